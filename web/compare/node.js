/** Adds the viewer to the comparison nodes and saves their comparison with the node. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { nameOf, stepsChange, stepsTargets } from "../graph/apply_settings.js";
import {
  frameOfNode,
  isOfOpenWorkflow,
  moveCanvasThrough,
  nodeByExecutionId,
  openWorkflow,
  workflowOf,
  write,
} from "../graph/canvas.js";
import { checked, fromOutput } from "./data.js";
import { branchText, whereStopped } from "./branches.js";
import { ComparisonViewer } from "./viewer.js";
import { offerSamplers } from "./sampler_choice.js";
import { planText, watchPlan } from "../graph/linked_plan.js";
import { addPanel, chain } from "../parts/panel.js";

const NODES = new Set(["SweetSpotCompare", "SweetSpotCompareWorkflow", "SweetSpotCompareAudio"]);
const PROPERTY = "sweetspot_comparison";
const HEIGHT = 500;
const WIDTH = 440;
const MOST_KEPT = 32;
const PLANNED = ["cfg", "sampler_name", "scheduler"];
const CORE_PREVIEW = "$$canvas-image-preview";

/** @type {WeakMap<object, ComparisonViewer>} */
const viewers = new WeakMap();
/** Running nodes, with their size from before the core's live preview. @type {Map<any, [number, number]>} */
const running = new Map();
/**
 * The newest comparisons by workflow and execution id: for undo, and for a workflow that isn't open when its run ends.
 *
 * @type {Map<string, any>}
 */
const newest = new Map();

app.registerExtension({
  name: "SweetSpot.Compare",

  setup() {
    api.addEventListener("executed", ({ detail }) => finished(detail));
    api.addEventListener("executing", ({ detail }) => {
      const node = detail === null ? null : nodeByExecutionId(typeof detail === "string" ? detail : shownBy(detail));
      if (viewers.has(node) && !running.has(node)) begun(node);
    });
    api.addEventListener("sweetspot.branches", async ({ detail }) => {
      const node = (await isOfOpenWorkflow(detail.prompt_id)) && nodeByExecutionId(detail.node ?? "");
      if (node) viewers.get(node)?.showNote(branchText(node, detail));
    });
    for (const end of ["execution_error", "execution_interrupted", "execution_success"]) {
      api.addEventListener(end, () => {
        for (const node of running.keys()) {
          viewers
            .get(node)
            ?.showNote(
              `The last run did not finish${whereStopped(node)}.`,
              "The images below are from the run before it.",
            );
          ended(node);
        }
      });
    }
  },

  nodeCreated(node) {
    if (NODES.has(String(node.comfyClass))) addViewer(node);
  },

  afterConfigureGraph() {
    for (const [key, saved] of newest) {
      const [workflow, id] = key.split("/");
      if (workflow === openWorkflow()) keep(nodeByExecutionId(id), saved);
    }
  },
});

/**
 * The id of the node that shows what another one does: branches run inside the comparison.
 *
 * @param {any} message
 */
const shownBy = (message) => String(message.display_node ?? message.node ?? "");

/** @param {any} message ComfyUI's message that a node has finished */
async function finished(message) {
  const saved = fromOutput(message.output);
  if (!saved) return;
  const id = shownBy(message);
  const workflow = (await workflowOf(message.prompt_id)) ?? openWorkflow();
  newest.delete(`${workflow}/${id}`);
  newest.set(`${workflow}/${id}`, saved);
  if (newest.size > MOST_KEPT) newest.delete(newest.keys().next().value ?? "");
  if (workflow !== openWorkflow()) return;
  const node = nodeByExecutionId(id);
  keep(node, saved);
  if (node) whereStopped(node);
  ended(node);
}

/** @param {any} node */
function begun(node) {
  whereStopped(node);
  running.set(node, [node.size[0], node.size[1]]);
  viewers.get(node)?.showNote("Running.", "The images below are from the run before.");
}

/**
 * Show a comparison and save it with the workflow.
 *
 * @param {any} node
 * @param {any} saved
 */
function keep(node, saved) {
  const comparison = viewers.has(node) && checked(saved);
  if (!comparison) return;
  node.properties[PROPERTY] = saved;
  viewers.get(node)?.show(comparison);
}

/** @param {CanvasNode} node */
function addViewer(node) {
  const viewer = new ComparisonViewer({ address: (path) => api.apiURL(path), targets: () => targetsAround(node) });
  viewers.set(node, viewer);
  hideGrid(node);
  addPanel(node, "sweetspot_viewer", viewer.element, { least: HEIGHT });
  moveCanvasThrough(viewer.element);
  const showSaved = () => {
    const saved = node.graph && checked(node.properties?.[PROPERTY]);
    if (saved && !viewer.chart) viewer.show(saved);
  };
  // A clipboard copy is configured but never added, so it must not show anything. Other nodes may be added before or
  // after they are configured.
  chain(node, "onConfigure", showSaved);
  chain(node, "onAdded", () => {
    viewer.gone = false;
    showSaved();
  });
  chain(node, "onRemoved", () => viewer.dispose());
  if (node.comfyClass === "SweetSpotCompare") {
    watchPlan(node, PLANNED, (linked, plan) => {
      viewer.plan.hidden = !linked;
      viewer.plan.textContent = planText(plan);
    });
  }
  offerSamplers(node, (text) => {
    viewer.plan.hidden = !text;
    viewer.plan.textContent = text;
  });
  const [width, height] = node.size;
  node.setSize([Math.max(width, WIDTH), height]);
}

/**
 * Stop the core from showing the grid below the viewer, except for previews during a run.
 *
 * @param {any} node
 */
function hideGrid(node) {
  node.hideOutputImages = true;
  const draw = node.onDrawBackground;
  node.onDrawBackground = function (/** @type {any[]} */ ...given) {
    if (running.has(node)) draw?.apply(this, given);
  };
}

/**
 * Remove the live preview and give the node back its size.
 *
 * @param {any} node
 */
function ended(node) {
  const size = running.get(node);
  running.delete(node);
  const preview = node?.widgets?.find((/** @type {any} */ widget) => widget.name === CORE_PREVIEW);
  if (preview) {
    node.removeWidget?.(preview);
    if (size) node.setSize(size);
  }
  if (!node) return;
  node.imgs = undefined;
  /** @type {any} */ (app).revokePreviews?.(node.id);
}

/** @param {CanvasNode} node */
function targetsAround(node) {
  const places = placesOf(node);
  if (places.length) return [targetOf(places)];
  const frame = frameOfNode(node);
  return (frame ? stepsTargets(frame) : []).map((target) => ({
    name: nameOf(target),
    use: (/** @type {number} */ steps) => {
      const now = frameOfNode(node);
      const usable = now !== null && stepsTargets(now).includes(target);
      if (usable) write(stepsChange(steps, target));
      return usable;
    },
  }));
}

/**
 * The widgets that hold the step count of a compared workflow, as the server found them.
 *
 * @param {any} node
 * @returns {{ node: any, widget: any }[]} empty if there are none, or one of them is gone
 */
function placesOf(node) {
  const saved = checked(node.properties?.[PROPERTY])?.places ?? [];
  const places = saved.map(([id, name]) => {
    const holder = nodeByExecutionId(id);
    return { node: holder, widget: holder?.widgets?.find((/** @type {any} */ widget) => widget.name === name) };
  });
  // A workflow may come from anybody: only a number is ever replaced.
  return places.every(({ widget }) => typeof widget?.value === "number") ? places : [];
}

/** @param {{ node: any, widget: any }[]} places */
function targetOf(places) {
  return {
    name: places.map(({ node }) => nameOf(node)).join(", "),
    use: (/** @type {number} */ value) => {
      write(places.map(({ node, widget }) => ({ node, widget, value })));
      return true;
    },
  };
}

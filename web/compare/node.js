/** Adds the viewer to the comparison nodes and saves their comparison with the node. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import {
  isOfOpenWorkflow,
  moveCanvasThrough,
  nodeByExecutionId,
  openWorkflow,
  removePreview,
  workflowOf,
} from "../graph/canvas.js";
import { watchSettings } from "./advice.js";
import { checked, fromOutput } from "./data.js";
import { progressText, whereStopped, withRun } from "./live.js";
import { offerSamplers } from "./sampler_choice.js";
import { PROPERTY, surroundingsOf } from "./surroundings.js";
import { planText, watchPlan } from "../graph/linked_plan.js";
import { addPanel, chain, make, hideCorePictures } from "../parts/panel.js";
import { t } from "../parts/words.js";

const NODES = new Set(["SweetSpotCompare", "SweetSpotCompareWorkflow", "SweetSpotCompareAudio"]);
const HEIGHT = 430;
const WIDTH = 440;
const MOST_KEPT = 32;
const PLANNED = ["cfg", "sampler_name", "scheduler"];

/** @typedef {import("../viewer/viewer.mjs").ComparisonViewer} ComparisonViewer */

/** The viewers, as soon as they are loaded. @type {WeakMap<object, ComparisonViewer>} */
const viewers = new WeakMap();
/** @type {Set<any>} */
const running = new Set();
/** What has finished of the comparison that runs, or was stopped. @type {WeakMap<any, Comparison>} */
const live = new WeakMap();
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
    api.addEventListener("sweetspot.progress", async ({ detail }) => {
      const node = (await isOfOpenWorkflow(detail.prompt_id)) && nodeByExecutionId(detail.node ?? "");
      // A message may come late, when the node has already finished.
      const text = node && running.has(node) ? progressText(node, detail) : "";
      if (text) viewers.get(node)?.showNote(text, live.has(node) ? "" : before());
    });
    api.addEventListener(/** @type {any} */ ("b_preview_with_metadata"), (/** @type {any} */ { detail }) => {
      const node = nodeByExecutionId(detail.displayNodeId ?? detail.nodeId ?? "");
      if (!viewers.has(node)) return;
      // The last one may come after the node has finished.
      if (running.has(node)) viewers.get(node)?.showPreview(detail.blob);
      removePreview(node);
    });
    api.addEventListener("sweetspot.run", async ({ detail }) => {
      const node = (await isOfOpenWorkflow(detail.prompt_id)) && nodeByExecutionId(detail.node ?? "");
      if (node && running.has(node)) finishedOne(node, detail);
    });
    for (const end of ["execution_error", "execution_interrupted", "execution_success"]) {
      api.addEventListener(end, () => {
        for (const node of running) {
          const text = [t("node.unfinished", "The last run did not finish."), whereStopped(node)].filter(Boolean);
          const about = live.has(node)
            ? t("node.kept", "Below is what had finished.")
            : t("node.before", "The images below are from the run before it.");
          viewers.get(node)?.showNote(text.join(" "), about);
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
  live.delete(node);
  running.add(node);
  viewers.get(node)?.showNote(t("node.running", "Running."), before());
}

const before = () => t("node.earlier", "The images below are from the run before.");

/**
 * @param {any} node
 * @param {FinishedRun} message
 */
function finishedOne(node, message) {
  const comparison = withRun(live.get(node) ?? null, message);
  if (!comparison) return;
  live.set(node, comparison);
  viewers.get(node)?.showLive(comparison, message.contender, message.run.steps);
}

/**
 * Show a comparison and save it with the workflow.
 *
 * @param {any} node
 * @param {any} saved
 */
function keep(node, saved) {
  const comparison = NODES.has(node?.comfyClass) && checked(saved);
  if (!comparison) return;
  live.delete(node);
  node.properties[PROPERTY] = saved;
  viewers.get(node)?.show(comparison);
}

/** @param {CanvasNode} node */
function addViewer(node) {
  const plan = make("div", { className: "ss-plan", hidden: true });
  const advice = make("div", { className: "ss-warning", hidden: true, role: "status" });
  const panel = make("div", { className: "ss-comparison" }, plan, advice);
  hideCorePictures(node, panel);
  addPanel(node, "sweetspot_viewer", panel, { least: HEIGHT });
  moveCanvasThrough(panel);
  // A clipboard copy is configured but never added, so it must not show anything. Other nodes may be added before or
  // after they are configured, and the viewer may be loaded before or after both.
  chain(node, "onConfigure", () => showSaved(node));
  chain(node, "onAdded", () => showSaved(node));
  chain(node, "onRemoved", () => viewers.get(node)?.dispose());
  loadViewer(node, panel);
  const showPlan = (/** @type {string} */ text) => {
    plan.hidden = !text;
    plan.textContent = text;
  };
  if (node.comfyClass === "SweetSpotCompare") {
    watchPlan(node, PLANNED, (linked, known) => showPlan(linked ? planText(known) : ""));
    watchSettings(node, advice);
  }
  offerSamplers(node, showPlan);
  const [width, height] = node.size;
  node.setSize([Math.max(width, WIDTH), height]);
}

/**
 * Load the viewer, which only pages with a comparison need.
 *
 * @param {CanvasNode} node
 * @param {HTMLElement} panel
 */
async function loadViewer(node, panel) {
  const { ComparisonViewer } = await import("../viewer/viewer.mjs");
  const viewer = new ComparisonViewer(surroundingsOf(node));
  viewers.set(node, viewer);
  panel.append(viewer.element);
  showSaved(node);
}

/** @param {CanvasNode} node */
function showSaved(node) {
  const viewer = viewers.get(node);
  if (!viewer || !node.graph) return;
  viewer.gone = false;
  const saved = checked(node.properties?.[PROPERTY]);
  if (saved && !viewer.chart) viewer.show(saved);
}

/** @param {any} node */
function ended(node) {
  running.delete(node);
  if (!node) return;
  viewers.get(node)?.showPreview(null);
  removePreview(node);
}

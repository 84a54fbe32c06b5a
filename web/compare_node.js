/** Puts the viewer on Multi-Step Compare and keeps what it shows with the node. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { nameOf, stepsChange, stepsTargets } from "./apply_settings.js";
import { nodeByExecutionId, write } from "./canvas.js";
import { checked, fromOutput, toSaved } from "./comparison_data.js";
import { ComparisonViewer } from "./comparison_viewer.js";
import { addPanel, chain } from "./panel.js";

/** @import { CanvasNode } from "./panel.js" */

const NODE = "SweetSpotCompare";
const PROPERTY = "sweetspot_comparison";
const HEIGHT = 500;
const WIDTH = 440;

const CORE_PREVIEW = "$$canvas-image-preview";

/** @type {WeakMap<object, ComparisonViewer>} */
const viewers = new WeakMap();
/** Nodes that run, whose live preview the core shows. @type {WeakSet<object>} */
const running = new WeakSet();

app.registerExtension({
  name: "SweetSpot.Compare",

  setup() {
    api.addEventListener("executed", ({ detail }) => {
      const node = nodeByExecutionId(detail.display_node ?? detail.node);
      const comparison = viewers.has(node) && fromOutput(detail.output);
      if (!comparison) return;
      // With the workflow, so that it survives a reload, a copy, and a place in a subgraph.
      node.properties[PROPERTY] = toSaved(comparison);
      viewers.get(node)?.show(comparison);
      running.delete(node);
      dropCorePreview(node);
    });
    api.addEventListener("executing", ({ detail }) => {
      const node = detail === null ? null : nodeByExecutionId(typeof detail === "string" ? detail : (detail.node ?? ""));
      if (viewers.has(node)) running.add(node);
    });
  },

  nodeCreated(node) {
    if (node.comfyClass === NODE) addViewer(node);
  },
});

/** @param {CanvasNode} node */
function addViewer(node) {
  const viewer = new ComparisonViewer({ address: (path) => api.apiURL(path), targets: () => targetsAround(node) });
  viewers.set(node, viewer);
  hideGrid(node);
  addPanel(node, "sweetspot_viewer", viewer.element, { least: HEIGHT });
  chain(node, "onConfigure", () => {
    const saved = checked(node.properties?.[PROPERTY]);
    if (saved) viewer.show(saved);
  });
  chain(node, "onRemoved", () => viewer.chart?.destroy());
  const [width, height] = node.size;
  node.setSize([Math.max(width, WIDTH), height]);
}

/**
 * Keep the core from showing the grid below the viewer, where it has its place; previews of a run are shown.
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

/** @param {any} node */
function dropCorePreview(node) {
  const preview = node.widgets?.find((/** @type {any} */ widget) => widget.name === CORE_PREVIEW);
  if (preview) node.removeWidget?.(preview);
  node.imgs = undefined;
}

/** @param {CanvasNode} node */
function targetsAround(node) {
  const graph = /** @type {any} */ (node.graph);
  return (graph ? stepsTargets(graph) : []).map((target) => ({
    name: nameOf(target),
    use: (/** @type {number} */ steps) => write(stepsChange(steps, target)),
  }));
}

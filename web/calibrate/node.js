/** Shows on Calibrate Steps what was found, and how to use it. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { isOfOpenWorkflow, moveCanvasThrough, nodeByExecutionId, removePreview } from "../graph/canvas.js";
import { addPanel, make } from "../parts/panel.js";
import { checkedWords, say, t } from "../parts/words.js";

const NODE = "SweetSpotCalibrate";
const HEIGHT = 150;

/** @type {WeakMap<object, HTMLElement>} */
const panels = new WeakMap();
/** The nodes that run now. @type {Set<any>} */
const running = new Set();

app.registerExtension({
  name: "SweetSpot.Calibrate",

  setup() {
    api.addEventListener("executing", ({ detail }) => {
      const id = detail === null || typeof detail === "string" ? detail : /** @type {any} */ (detail).node;
      const node = id === null ? null : nodeByExecutionId(id);
      if (panels.has(node)) running.add(node);
    });
    api.addEventListener("executed", async ({ detail }) => {
      const said = detail.output?.said;
      const node = said && nodeByExecutionId(detail.node);
      running.delete(node);
      if (!panels.has(node) || !(await isOfOpenWorkflow(detail.prompt_id))) return;
      panels.get(node)?.replaceChildren(...foundElements(said[0]));
      showResult(node);
    });
    api.addEventListener(/** @type {any} */ ("b_preview_with_metadata"), (/** @type {any} */ { detail }) => {
      const node = nodeByExecutionId(detail.displayNodeId ?? detail.nodeId ?? "");
      // The last preview may come after the result, and would cover it.
      if (panels.has(node) && !running.has(node)) showResult(node);
    });
  },

  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    const panel = make("div", { className: "ss-panel ss-found", role: "status" });
    panel.append(
      t("calibrate.before", "After the run, this says what was found. The image shows before, after and finished."),
    );
    panels.set(node, panel);
    addPanel(node, "sweetspot_found", panel, { least: HEIGHT, most: HEIGHT });
    moveCanvasThrough(panel);
  },
});

/**
 * Show the result's picture instead of the last live preview.
 *
 * @param {any} node
 */
function showResult(node) {
  removePreview(node);
  // The canvas loads the pictures of a result that it doesn't know yet.
  node.images = undefined;
  node.setDirtyCanvas?.(true, true);
}

/**
 * @param {string} text JSON: what the server says, one entry for each line
 * @returns {HTMLElement[]}
 */
function foundElements(text) {
  const lines = checkedWords(JSON.parse(text));
  return [lines].flat().map((line, at) => make("div", { className: at ? "" : "ss-headline" }, say(line)));
}

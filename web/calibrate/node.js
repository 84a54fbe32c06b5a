/** Shows on Calibrate Steps what was found: words, before and after with a slider, and buttons that use it. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { isOfOpenWorkflow, moveCanvasThrough, nodeByExecutionId, removePreview } from "../graph/canvas.js";
import { addPanel, chain, hideCorePictures, make } from "../parts/panel.js";
import { checkedWords, say, t } from "../parts/words.js";

const NODE = "SweetSpotCalibrate";
const PROPERTY = "sweetspot_calibration";
const [WIDTH, HEIGHT] = [400, 460];

/** The nodes' panels. @type {WeakMap<object, HTMLElement>} */
const panels = new WeakMap();
/** How far the nodes are. @type {WeakMap<object, HTMLElement>} */
const notes = new WeakMap();
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
      const found = detail.output?.found?.[0];
      const node = found && /** @type {any} */ (nodeByExecutionId(detail.node));
      running.delete(node);
      if (!panels.has(node) || !(await isOfOpenWorkflow(detail.prompt_id))) return;
      const before = node.properties[PROPERTY];
      node.properties[PROPERTY] = JSON.parse(found);
      removePreview(node);
      // null, because undefined would stand for what is saved now.
      show(node, before ?? null);
    });
    api.addEventListener(/** @type {any} */ ("sweetspot.calibration"), async (/** @type {any} */ { detail }) => {
      const node = (await isOfOpenWorkflow(detail.prompt_id)) && nodeByExecutionId(detail.node ?? "");
      if (panels.has(node) && running.has(node)) showNote(node, say(checkedWords(detail.said)));
    });
    for (const end of ["execution_error", "execution_interrupted"]) {
      api.addEventListener(/** @type {any} */ (end), () => {
        for (const node of running) {
          const last = notes.get(node)?.textContent ?? "";
          showNote(node, `${t("calibrate.stopped", "Stopped. The next run goes on from here.")} ${last}`);
        }
        running.clear();
      });
    }
    api.addEventListener(/** @type {any} */ ("b_preview_with_metadata"), (/** @type {any} */ { detail }) => {
      const node = nodeByExecutionId(detail.displayNodeId ?? detail.nodeId ?? "");
      // The last preview may come after the result.
      if (panels.has(node) && !running.has(node)) removePreview(node);
    });
  },

  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    const note = make("div", { className: "ss-warning", role: "status", hidden: true });
    const shown = make("div", { className: "ss-comparison ss-rest" });
    const panel = make("div", { className: "ss-comparison" }, note, shown);
    notes.set(node, note);
    shown.append(
      make(
        "div",
        { className: "ss-hint" },
        t("calibrate.before", "After the run, this says what was found, and shows before, after and finished."),
      ),
    );
    panels.set(node, shown);
    hideCorePictures(node, panel);
    addPanel(node, "sweetspot_found", panel, { least: HEIGHT });
    moveCanvasThrough(panel);
    chain(node, "onConfigure", () => show(node));
    chain(node, "onAdded", () => show(node));
    const [width, height] = node.size;
    node.setSize([Math.max(width, WIDTH), height]);
  },
});

/**
 * @param {any} node
 * @param {string} text nothing hides it
 */
function showNote(node, text) {
  const note = /** @type {HTMLElement} */ (notes.get(node));
  note.hidden = !text;
  note.textContent = text;
}

/**
 * Show what is saved with a node; a copy that isn't in the graph shows nothing.
 *
 * @param {any} node
 * @param {unknown} [before] what was saved before this run
 */
async function show(node, before = node.properties?.[PROPERTY]) {
  const [saved, panel] = [node.graph && node.properties?.[PROPERTY], panels.get(node)];
  if (!saved || !panel) return;
  const { showFound } = await import("../viewer/found.mjs");
  if (showFound(node, panel, saved, before, (path) => api.apiURL(path))) showNote(node, "");
}

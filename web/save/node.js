/** Shows on Save Comparison what was saved, and offers the page for download. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { isOfOpenWorkflow, moveCanvasThrough, nodeByExecutionId } from "../graph/canvas.js";
import { addPanel, make } from "../parts/panel.js";
import { t } from "../parts/words.js";

const NODE = "SweetSpotSaveComparison";
const HEIGHT = 88;
const PAGE = /\.html$/;

/** @type {WeakMap<object, HTMLElement>} */
const panels = new WeakMap();

app.registerExtension({
  name: "SweetSpot.SaveComparison",

  setup() {
    api.addEventListener("executed", async ({ detail }) => {
      const files = detail.output?.files;
      const node = files && (await isOfOpenWorkflow(detail.prompt_id)) && nodeByExecutionId(detail.node);
      panels.get(node)?.replaceChildren(...savedElements([...(detail.output.images ?? []), ...files]));
    });
  },

  nodeCreated(node) {
    if (node.comfyClass !== NODE) return;
    const panel = make("div", { className: "ss-panel ss-saved", role: "status" });
    panel.append(t("save.before", "After the run, this says what was saved, and where."));
    panels.set(node, panel);
    addPanel(node, "sweetspot_saved", panel, { least: HEIGHT });
    moveCanvasThrough(panel);
  },
});

/**
 * @param {{ filename: string, subfolder: string }[]} files in ComfyUI's output folder
 * @returns {HTMLElement[]}
 */
function savedElements(files) {
  if (!files.length) return [];
  const folder = ["output", files[0].subfolder].filter(Boolean).join("/");
  /** @type {HTMLElement[]} */
  const lines = [make("div", {}, t("save.saved", "{count} files saved in {folder}.", { count: files.length, folder }))];
  const page = files.find(({ filename }) => PAGE.test(filename));
  if (page) {
    const query = new URLSearchParams({ filename: page.filename, subfolder: page.subfolder, type: "output" });
    const link = { href: api.apiURL(`/view?${query}`), download: page.filename };
    lines.push(make("a", link, t("save.page", "Download the page to share: {name}", { name: page.filename })));
  }
  return lines;
}

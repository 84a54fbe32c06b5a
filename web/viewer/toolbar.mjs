/** The viewer's toolbars: the views and the zoom, and beside the tabs the lists of contenders and images. */

import { firstPair, nameOfRun } from "../compare/data.js";
import { button, icon, picker } from "../parts/controls.js";
import { make } from "../parts/panel.js";
import { t } from "../parts/words.js";

/** @returns {[Mode, string, string][]} the views, with their names and what they show */
const modes = () => [
  ["single", t("mode.image", "Image"), t("mode.imageHelp", "One image (I). Hold space to see the other one")],
  ["slider", t("mode.slider", "Slider"), t("mode.sliderHelp", "Both images with a slider (S). Move it with , and .")],
  [
    "difference",
    t("mode.difference", "Difference"),
    t("mode.differenceHelp", "Where the two images differ, brightened (D)"),
  ],
  ["grid", t("mode.grid", "Grid"), t("mode.gridHelp", "All images side by side (G)")],
  ["play", t("mode.play", "Play"), t("mode.playHelp", "Both videos side by side, in step (P)")],
  ["blind", t("mode.blind", "Blind"), t("mode.blindHelp", "A test without labels: which differences do you see? (B)")],
];

/** @param {import("./viewer.mjs").ComparisonViewer} viewer */
export function toolElements(viewer) {
  const views = modes()
    .filter(([mode]) => viewer.offers(mode))
    .map(([mode, name, title]) => {
      const chosen = mode === viewer.mode;
      const element = button(
        {
          title,
          className: chosen ? "ss-on" : "",
          "aria-pressed": String(chosen),
          onclick: () => viewer.setMode(mode),
        },
        name,
      );
      return element;
    });
  const full = document.fullscreenElement === viewer.element;
  return [
    ...views,
    make("span", { className: "ss-space" }),
    icon("pi-arrows-alt", t("tool.fit", "Fit (0)"), () => viewer.stage.fit()),
    button(
      { title: t("tool.oneToOne", "One image pixel per screen pixel (1)"), onclick: () => viewer.stage.oneToOne() },
      "1:1",
    ),
    icon(
      full ? "pi-window-minimize" : "pi-window-maximize",
      full ? t("tool.leave", "Leave full screen (F)") : t("tool.full", "Full screen (F)"),
      () => viewer.fullScreen(),
    ),
  ];
}

/** @param {import("./viewer.mjs").ComparisonViewer} viewer */
export function listElements(viewer) {
  const { series, runs, comparison } = { ...viewer, series: viewer.series, runs: viewer.series.runs };
  const all = /** @type {Comparison} */ (comparison);
  const two = viewer.mode === "slider" || viewer.mode === "difference" || viewer.mode === "play";
  const shown = Math.min(all.images, Math.max(...runs.map((run) => run.files.length)));
  const lists = [
    two && picker(t("list.other", "other:"), runs.map(nameOfRun), viewer.at.b, (b) => viewer.pickSecond(b)),
    viewer.mode === "difference" &&
      picker(
        t("list.brightness", "brightness ×"),
        ["1", "2", "4", "8", "16"],
        [1, 2, 4, 8, 16].indexOf(viewer.stage.gain),
        (at) => viewer.setGain(2 ** at),
      ),
    shown > 1 &&
      picker(imagesLabel(all.images, shown), imageNames(all, shown), viewer.at.image, (at) => viewer.setImage(at)),
    all.series.length > 1 &&
      picker(
        t("list.contender", "contender"),
        all.series.map(({ name }) => name),
        all.series.indexOf(series),
        (at) => viewer.select(at, firstPair(all.series[at])[0]),
      ),
  ];
  return lists.filter((element) => element !== false);
}

/**
 * @param {number} images
 * @param {number} shown
 */
function imagesLabel(images, shown) {
  return images > shown
    ? t("list.firstImages", "first {shown} of {images} images:", { shown, images })
    : t("list.image", "image:");
}

/**
 * @param {Comparison} comparison
 * @param {number} shown
 */
function imageNames({ names }, shown) {
  return [...Array(shown)].map((_, at) => names[at] ?? String(at + 1));
}

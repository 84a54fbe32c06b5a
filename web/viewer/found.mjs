/** The viewer of Calibrate Steps: what was found, two of now, calibrated and finished with a slider, and buttons. */

import { viewPath } from "../compare/data.js";
import { button, picker } from "../parts/controls.js";
import { chain, make } from "../parts/panel.js";
import { say, t } from "../parts/words.js";
import { drawFoundCurve, tableOf } from "./found_curve.mjs";
import { checkedFound } from "./found_data.mjs";
import { savePreset, useSettings } from "./found_actions.mjs";
import { Stage } from "./stage.mjs";

/** What a table and a curve need. */
const MORE_HEIGHT = 180;
/** What the nodes show. @type {WeakMap<object, FoundView>} */
const views = new WeakMap();

/**
 * Show what is saved with a node in its panel. The node becomes higher for a curve, and lower again without one.
 *
 * @param {any} node
 * @param {HTMLElement} panel
 * @param {any} saved
 * @param {any} before what it showed before this run
 * @param {(path: string) => string} address
 * @returns {boolean} whether it can be shown
 */
export function showFound(node, panel, saved, before, address) {
  const found = checkedFound(saved);
  if (!found) return false;
  const more = Number(found.rows.length > 0) - Number(Boolean(before?.curve?.length));
  if (more) node.setSize([node.size[0], node.size[1] + more * MORE_HEIGHT]);
  if (!views.has(node)) chain(node, "onRemoved", () => views.get(node)?.dispose());
  views.get(node)?.dispose();
  const view = new FoundView(node, address);
  views.set(node, view);
  panel.replaceChildren(view.element);
  view.show(found);
  return true;
}

class FoundView {
  /**
   * @param {any} node
   * @param {(path: string) => string} address
   */
  constructor(node, address) {
    this.node = node;
    this.address = address;
    /** @type {Found | null} */
    this.found = null;
    this.at = { left: 0, right: 1, image: 0 };
    this.stage = new Stage();
    this.stage.value = 50;
    this.lines = make("div", { className: "ss-lines" });
    this.choices = make("div", { className: "ss-row" });
    this.caption = make("div", { className: "ss-caption" });
    this.status = make("span", { className: "ss-said", role: "status" });
    this.actions = make("div", { className: "ss-row ss-actions" });
    this.host = make("div", { className: "ss-chart-host" });
    this.curve = make("div", { className: "ss-chart ss-curve", role: "img" }, this.host);
    this.table = make("div", { className: "ss-lines" });
    /** @type {Chart | null} */
    this.chart = null;
    const about = { className: "ss-viewer ss-found", tabIndex: 0, role: "group" };
    this.element = make(
      "div",
      { ...about, "aria-label": t("found.label", "Calibration") },
      this.lines,
      this.actions,
      this.choices,
      this.stage.element,
      this.caption,
      this.table,
      this.curve,
    );
    this.element.dataset.captureWheel = "true";
  }

  /** @param {Found} found */
  show(found) {
    this.found = found;
    this.at = { left: 0, right: 1, image: 0 };
    this.status.textContent = "";
    this.lines.replaceChildren(
      ...found.lines.map((line, at) => make("div", { className: at ? "" : "ss-headline" }, say(line))),
    );
    this.actions.replaceChildren(...this.actionElements(found), this.status);
    this.update();
    return this.showCurve(found.rows);
  }

  /** Stop following the page's palette and size. */
  dispose() {
    this.chart?.destroy();
    this.chart = null;
  }

  /** @param {FoundRow[]} rows */
  async showCurve(rows) {
    this.dispose();
    for (const part of [this.table, this.curve]) part.hidden = !rows.length;
    if (!rows.length) return;
    this.table.replaceChildren(tableOf(rows));
    this.curve.ariaLabel = t("found.curve", "Similarity to the finished images against steps");
    this.chart = await drawFoundCurve(this.host, rows);
  }

  /** @param {Found} found */
  actionElements({ settings, gain }) {
    const use = () => (this.status.textContent = useSettings(this.node, settings));
    const save = () => (this.status.textContent = savePreset(this.node));
    const className = gain ? "ss-primary" : "";
    return [
      button({ className, onclick: use }, t("found.use", "Use these settings")),
      button({ onclick: save }, t("found.save", "Save as preset")),
    ];
  }

  update() {
    const { found, at } = this;
    if (!found) return;
    const names = found.columns.map((_, number) => titles()[number]);
    const choose = (/** @type {"left" | "right" | "image"} */ what) => (/** @type {number} */ chosen) => {
      at[what] = chosen;
      this.update();
    };
    const images = found.columns[0].files.map((_, number) => `${number + 1} / ${found.columns[0].files.length}`);
    this.choices.replaceChildren(
      picker(t("found.left", "Left:"), names, at.left, choose("left")),
      picker(t("found.right", "Right:"), names, at.right, choose("right")),
      picker(t("found.image", "Image"), images, at.image, choose("image")),
    );
    const [left, right] = [at.left, at.right].map((side) => {
      const { name, files } = found.columns[side];
      const path = viewPath(files[at.image] ?? "", found.subfolder);
      return { src: this.address(path), alt: `${titles()[side]}: ${name}` };
    });
    this.stage.show("slider", left, right);
    this.caption.textContent = [at.left, at.right].map((side) => this.about(side)).join(" | ");
  }

  /** @param {number} side */
  about(side) {
    const column = /** @type {Found} */ (this.found).columns[side];
    const similarity = column.similarity[this.at.image];
    const title = `${titles()[side]}: ${column.name}`;
    if (similarity === undefined) return title;
    return t("found.similar", "{title}, {similarity} % similar to the finished image", {
      title,
      similarity: (similarity * 100).toFixed(1),
    });
  }
}

const titles = () => [t("found.now", "now"), t("found.calibrated", "calibrated"), t("found.finished", "finished")];

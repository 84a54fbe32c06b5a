/** The compare node's viewer: tabs of step counts, stage, curve, and what to do with a count that was found. */

import { describeRun, firstPair, viewPath } from "./comparison_data.js";
import { drawCurve } from "./comparison_curve.js";
import { Stage } from "./comparison_stage.js";
import { make } from "./panel.js";

/**
 * @import { Comparison, Series } from "./comparison_data.js"
 * @import { Mode } from "./comparison_stage.js"
 * @typedef {{ name: string, use: (steps: number) => void }} StepsTarget
 * @typedef {{ address: (path: string) => string, targets: () => StepsTarget[] }} Surroundings what the viewer needs of
 *   ComfyUI: full addresses, and where a step count can be written to
 */

/** @type {[Mode, string, string][]} */
const MODES = [
  ["single", "Image", "One image (I); hold space to see the other one"],
  ["slider", "Slider", "Both, with a slider between them (S)"],
  ["difference", "Difference", "Where they differ, brightened (D)"],
  ["grid", "Grid", "All side by side (G)"],
];
const KEYS = new Map([["i", "single"], ["s", "slider"], ["d", "difference"], ["g", "grid"]]);

export class ComparisonViewer {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.surroundings = surroundings;
    /** @type {Comparison | null} */
    this.comparison = null;
    this.at = { series: 0, a: 0, b: 0, image: 0 };
    /** @type {Mode} */
    this.mode = "single";
    this.flicker = false;
    /** @type {any} */
    this.chart = null;
    this.stage = new Stage();
    this.tabs = make("div", { className: "ss-tabs", role: "tablist" });
    this.tools = make("div", { className: "ss-row ss-tools" });
    this.caption = make("div", { className: "ss-caption" });
    this.curve = make("div", { className: "ss-chart-host" });
    this.verdict = make("div", { className: "ss-verdict" });
    this.actions = make("div", { className: "ss-row ss-actions" });
    this.said = make("span", { className: "ss-said", role: "status" });
    this.content = make("div", { className: "ss-content" }, this.tools, this.tabs, this.stage.element, this.caption,
      make("div", { className: "ss-chart ss-curve" }, this.curve), this.verdict, this.actions);
    this.empty = make("div", { className: "ss-hint" }, "Run the node: its images, the slider and the curve appear here.");
    this.element = make("div", { className: "ss-viewer", tabIndex: 0 }, this.empty);
    this.element.dataset.captureWheel = "true";
    this.element.addEventListener("keydown", (event) => this.key(event, true));
    this.element.addEventListener("keyup", (event) => this.key(event, false));
    this.element.addEventListener("blur", () => this.setFlicker(false));
    this.stage.element.addEventListener("pointerdown", () => this.element.focus({ preventScroll: true }));
  }

  /** @param {Comparison} comparison */
  show(comparison) {
    this.comparison = comparison;
    const [a, b] = firstPair(comparison.series[0]);
    this.at = { series: 0, a, b, image: 0 };
    this.stage.fit();
    this.element.replaceChildren(this.content);
    this.chart?.destroy();
    this.chart = null;
    this.curve.replaceChildren();
    this.drawCurve(comparison);
    this.update();
  }

  /** @param {Comparison} comparison */
  async drawCurve(comparison) {
    const chart = await drawCurve(this.curve, comparison, () => this.at, (series, run) => this.select(series, run));
    // A newer comparison may have come while the library was loaded.
    if (this.comparison === comparison) this.chart = chart;
    else chart.destroy();
  }

  /** @returns {Series} */
  get series() {
    return /** @type {Comparison} */ (this.comparison).series[this.at.series];
  }

  /**
   * @param {number} series
   * @param {number} run
   */
  select(series, run) {
    if (series !== this.at.series) {
      const [, b] = firstPair(/** @type {Comparison} */ (this.comparison).series[series]);
      this.at = { ...this.at, series, a: run, b };
    } else {
      this.at = { ...this.at, a: run };
    }
    if (this.mode === "grid") this.mode = "single";
    this.update();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    this.update();
  }

  /** @param {boolean} on */
  setFlicker(on) {
    if (this.flicker === on || !this.comparison) return;
    this.flicker = on;
    this.update();
  }

  update() {
    if (!this.comparison) return;
    this.tools.replaceChildren(...this.toolElements());
    this.tabs.replaceChildren(...this.series.runs.map((run, at) => this.tab(at)));
    this.showStage();
    const { a, b } = this.at;
    const { runs } = this.series;
    this.caption.textContent = this.captionText(runs[a], runs[b]);
    this.verdict.textContent = `${this.series.reason} Confidence: ${this.series.confidence}.`;
    this.verdict.title = this.comparison.text;
    this.actions.replaceChildren(...this.actionElements(runs[a].steps), this.said);
    this.said.textContent = "";
    this.chart?.redraw();
  }

  /**
   * @param {import("./comparison_data.js").Run} first
   * @param {import("./comparison_data.js").Run} second
   */
  captionText(first, second) {
    if (this.mode === "grid") return "All images, labelled";
    if (this.mode === "single") return describeRun(this.flicker ? second : first, this.series);
    return `${this.mode === "slider" ? "left" : "of"} ${describeRun(first, this.series)} — ${this.mode === "slider" ? "right" : "and"} ${describeRun(second, this.series)}`;
  }

  showStage() {
    const { a, b } = this.at;
    const [first, second] = [this.imageOf(a), this.imageOf(b)];
    const { grid } = /** @type {Comparison} */ (this.comparison);
    if (this.mode === "grid" && grid) {
      const src = this.surroundings.address(viewPath(grid.filename, grid.subfolder));
      this.stage.show("grid", { src, alt: "All images side by side" }, second);
    } else {
      this.stage.show(this.mode, this.mode === "single" && this.flicker ? second : first, second);
    }
    this.prefetch([a - 1, a + 1, b]);
  }

  /** @param {number} run */
  imageOf(run) {
    const { files, steps } = this.series.runs[run];
    const file = files[Math.min(this.at.image, files.length - 1)];
    const { subfolder } = /** @type {Comparison} */ (this.comparison);
    return { src: file ? this.surroundings.address(viewPath(file, subfolder)) : "", alt: `${steps} steps` };
  }

  /** @param {number[]} runs */
  prefetch(runs) {
    for (const run of runs) {
      const src = this.series.runs[run] ? this.imageOf(run).src : "";
      if (src) new Image().src = src;
    }
  }

  /** @param {number} at */
  tab(at) {
    const run = this.series.runs[at];
    const { a, b } = this.at;
    const two = this.mode !== "single";
    const className = `ss-tab${at === a ? " ss-first" : ""}${at === b && two ? " ss-second" : ""}`;
    const spot = run.steps === this.series.sweetSpot;
    const title = `${describeRun(run, this.series)}${spot ? "; the sweet spot" : ""}. Shift-click: show it as the other one`;
    const pick = (/** @type {MouseEvent} */ event) => (event.shiftKey ? this.pickSecond(at) : this.select(this.at.series, at));
    const tab = make("button", { type: "button", className, title, role: "tab", onclick: pick }, spot ? `★ ${run.steps}` : String(run.steps));
    tab.setAttribute("aria-selected", String(at === a));
    return tab;
  }

  /** @param {number} at */
  pickSecond(at) {
    this.at = { ...this.at, b: at };
    if (this.mode === "single" || this.mode === "grid") this.mode = "slider";
    this.update();
  }

  toolElements() {
    const { grid, series, images } = /** @type {Comparison} */ (this.comparison);
    const modes = MODES.filter(([mode]) => mode !== "grid" || grid).map(([mode, name, title]) =>
      make("button", { type: "button", title, className: mode === this.mode ? "ss-on" : "", onclick: () => this.setMode(mode) }, name),
    );
    const zooms = [
      make("button", { type: "button", title: "Fit (0)", onclick: () => this.stage.fit() }, "Fit"),
      make("button", { type: "button", title: "One pixel of the image is one of the screen (1)", onclick: () => this.stage.oneToOne() }, "1:1"),
      make("button", { type: "button", title: "Fill the screen (F)", onclick: () => this.fullScreen() }, "Full"),
    ];
    const other = this.mode === "slider" || this.mode === "difference"
      ? picker("with", this.series.runs.map((run) => `${run.steps} steps`), this.at.b, (b) => this.pickSecond(b)) : null;
    const gain = this.mode === "difference"
      ? picker("times", ["1", "2", "4", "8", "16"], [1, 2, 4, 8, 16].indexOf(this.stage.gain), (at) => this.setGain(2 ** at)) : null;
    const shown = Math.min(images, Math.max(...this.series.runs.map((run) => run.files.length)));
    const image = shown > 1 ? picker(images > shown ? `of ${images}` : "image", [...Array(shown)].map((_, at) => String(at + 1)), this.at.image, (at) => this.setImage(at)) : null;
    const rows = series.length > 1 ? picker("of", series.map((one) => one.name), this.at.series, (at) => this.select(at, firstPair(series[at])[0])) : null;
    return [...modes, ...[other, gain, image, rows].filter((one) => one !== null), make("span", { className: "ss-space" }), ...zooms];
  }

  /** @param {number} gain */
  setGain(gain) {
    this.stage.gain = gain;
    this.update();
  }

  /** @param {number} image */
  setImage(image) {
    this.at = { ...this.at, image };
    this.update();
  }

  /** @param {number} steps */
  actionElements(steps) {
    const targets = this.surroundings.targets();
    const use = (/** @type {StepsTarget} */ target) => {
      target.use(steps);
      this.said.textContent = `${steps} steps written to ${target.name}.`;
    };
    if (!targets.length) {
      const title = "Add a sampler, Step Plan or Save Step Preset whose steps are not linked";
      return [make("button", { type: "button", disabled: true, title }, `Use ${steps} steps`)];
    }
    const shown = targets.length === 1 ? [`Use ${steps} steps in ${targets[0].name}`] : [`Use ${steps} steps in …`, ...targets.map(({ name }) => name)];
    if (targets.length === 1) return [make("button", { type: "button", onclick: () => use(targets[0]) }, shown[0])];
    const select = picker("", shown, 0, (at) => {
      select.selectedIndex = 0;
      if (at > 0) use(targets[at - 1]);
    });
    return [select];
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {boolean} down
   */
  key(event, down) {
    const typing = event.target instanceof HTMLSelectElement;
    if (!this.comparison || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== " " && !down) return;
    if (event.target instanceof HTMLButtonElement && (event.key === " " || event.key === "Enter")) return;
    if (!this.act(event, down)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {boolean} down
   */
  act({ key, shiftKey }, down) {
    const mode = /** @type {Mode | undefined} */ (KEYS.get(key.toLowerCase()));
    if (key === " ") this.setFlicker(down);
    else if (key === "ArrowLeft" || key === "ArrowRight") this.step(key === "ArrowLeft" ? -1 : 1, shiftKey);
    else if (mode) this.setMode(mode);
    else if (key === "0") this.stage.fit();
    else if (key === "1") this.stage.oneToOne();
    else if (key === "+" || key === "-") this.stage.zoom(key === "+" ? 1.25 : 0.8);
    else if (key.toLowerCase() === "f") this.fullScreen();
    else return false;
    return true;
  }

  /**
   * @param {number} by
   * @param {boolean} other
   */
  step(by, other) {
    const last = this.series.runs.length - 1;
    const moved = Math.min(Math.max((other ? this.at.b : this.at.a) + by, 0), last);
    this.at = other ? { ...this.at, b: moved } : { ...this.at, a: moved };
    this.update();
  }
}

/**
 * @param {string} label
 * @param {string[]} names
 * @param {number} chosen
 * @param {(at: number) => void} choose
 */
function picker(label, names, chosen, choose) {
  const select = make("select", { title: label, "aria-label": label || "choose" }, ...names.map((name) => make("option", {}, label && names.length > 1 ? `${label} ${name}` : name)));
  select.selectedIndex = chosen;
  select.addEventListener("change", () => choose(select.selectedIndex));
  return select;
}

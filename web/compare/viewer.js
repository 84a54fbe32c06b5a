/** The viewer of Multi-Step Compare: tabs of step counts, stage, curve, verdict, and buttons to use a step count. */

import { describeRun, firstPair, viewPath } from "./data.js";
import { drawCurve } from "./curve.js";
import { ClipPlayer } from "./clips.js";
import { Stage } from "./stage.js";
import { button, picker } from "../parts/controls.js";
import { make } from "../parts/panel.js";

/** @type {[Mode, string, string][]} */
const MODES = [
  ["single", "Image", "One image (I). Hold space to see the other one"],
  ["slider", "Slider", "Both images with a slider (S). Move it with , and ."],
  ["difference", "Difference", "Where the two images differ, brightened (D)"],
  ["grid", "Grid", "All images side by side (G)"],
  ["play", "Play", "Both videos side by side, in step (P)"],
];
const KEYS = new Map([
  ["i", "single"],
  ["s", "slider"],
  ["d", "difference"],
  ["g", "grid"],
  ["p", "play"],
]);

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
    this.player = new ClipPlayer();
    this.tabs = make("div", { className: "ss-tabs", role: "group", "aria-label": "Step counts" });
    this.tools = make("div", { className: "ss-row ss-tools" });
    this.caption = make("div", { className: "ss-caption" });
    this.curve = make("div", { className: "ss-chart-host" });
    this.verdict = make("div", { className: "ss-verdict" });
    this.plan = make("div", { className: "ss-plan", hidden: true });
    this.note = make("div", { className: "ss-warning", hidden: true, role: "status" });
    this.actions = make("div", { className: "ss-row ss-actions" });
    this.status = make("span", { className: "ss-said", role: "status" });
    this.gone = false;
    this.content = make(
      "div",
      { className: "ss-content" },
      this.tools,
      this.tabs,
      this.stage.element,
      this.player.element,
      this.caption,
      make("div", { className: "ss-chart ss-curve" }, this.curve),
      this.verdict,
      this.actions,
    );
    this.empty = make("div", { className: "ss-hint" }, "Run the node to see its images, a slider and the curve here.");
    this.shown = make("div", { className: "ss-shown" }, this.empty);
    const about = { className: "ss-viewer", tabIndex: 0, role: "group", "aria-label": "Comparison of step counts" };
    this.element = make("div", about, this.plan, this.note, this.shown);
    this.element.addEventListener("fullscreenchange", () => this.update());
    this.element.dataset.captureWheel = "true";
    this.element.addEventListener("keydown", (event) => this.key(event, true));
    this.element.addEventListener("keyup", (event) => this.key(event, false));
    this.element.addEventListener("blur", () => this.setFlicker(false));
    // Samplers may have been added or removed since the last update.
    this.element.addEventListener("pointerenter", () => this.comparison && this.updateActions());
    this.stage.element.addEventListener("pointerdown", () => this.element.focus({ preventScroll: true }));
  }

  /** @param {Comparison} comparison */
  show(comparison) {
    this.comparison = comparison;
    if (this.mode === "play" && !this.hasVideo) this.mode = "single";
    const [a, b] = firstPair(comparison.series[0]);
    this.at = { series: 0, a, b, image: 0 };
    this.stage.fit();
    this.shown.replaceChildren(this.content);
    this.showNote("");
    this.chart?.destroy();
    this.chart = null;
    this.curve.replaceChildren();
    this.drawCurve(comparison);
    this.update();
  }

  /**
   * Show a note above everything, and no hint to run the node as long as it stands there.
   *
   * @param {string} text empty hides it
   * @param {string} [about] what it says of earlier images; left out if there are none
   */
  showNote(text, about = "") {
    this.note.hidden = text === "";
    this.empty.hidden = text !== "";
    this.note.textContent = this.comparison && about ? `${text} ${about}` : text;
  }

  /** @param {Comparison} comparison */
  async drawCurve(comparison) {
    const chart = await drawCurve(
      this.curve,
      comparison,
      () => this.at,
      (series, run) => this.select(series, run),
    );
    // A newer comparison may have arrived while the library was loading.
    if (this.comparison === comparison && !this.gone) this.chart = chart;
    else chart.destroy();
  }

  dispose() {
    this.gone = true;
    this.player.stop();
    this.chart?.destroy();
    this.chart = null;
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
    const focused = this.element.contains(document.activeElement);
    this.tools.replaceChildren(...this.toolElements());
    this.tabs.replaceChildren(...this.series.runs.map((run, at) => this.tab(at)));
    this.showStage();
    this.showClips();
    this.caption.textContent = this.captionText();
    const name = this.comparison.series.length > 1 ? `${this.series.name}: ` : "";
    const { reason, advice, confidence } = this.series;
    this.verdict.textContent = `${name}${[reason, advice].filter(Boolean).join(" ")} Confidence: ${confidence}.`;
    this.verdict.title = this.comparison.text;
    this.status.textContent = "";
    this.updateActions();
    this.chart?.redraw();
    // The button that was pressed has been replaced: focus the viewer, so that its keys still work.
    if (focused && !this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
  }

  updateActions() {
    const { steps, checkedBy } = this.series.runs[this.at.a];
    const open = document.activeElement instanceof HTMLSelectElement && this.actions.contains(document.activeElement);
    const buttons = checkedBy ? [] : this.actionElements(steps);
    if (!open) this.actions.replaceChildren(...buttons, this.status);
  }

  captionText() {
    const [first, second] = [this.at.a, this.at.b].map((at) => describeRun(this.series.runs[at], this.series));
    if (this.mode === "grid") return "All images with labels";
    if (this.mode === "play") return "";
    if (this.mode === "single") return this.flicker ? second : first;
    return this.mode === "slider" ? `left ${first} — right ${second}` : `between ${first} — and ${second}`;
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

  /** Videos take the stage's place while they play; sounds have their players below their spectrograms. */
  showClips() {
    const isVideo = this.hasVideo;
    const { subfolder } = /** @type {Comparison} */ (this.comparison);
    const clips = [...new Set([this.at.a, this.at.b])]
      .map((at) => ({ clip: this.series.runs[at].clip, name: describeRun(this.series.runs[at], this.series) }))
      .filter(({ clip }) => clip && (!isVideo || this.mode === "play"))
      .map(({ clip, name }) => ({ src: this.surroundings.address(viewPath(clip, subfolder)), name }));
    this.player.show(clips, isVideo);
    this.stage.element.hidden = this.mode === "play";
  }

  get hasVideo() {
    return this.series.runs.some(({ clip }) => clip.endsWith(".mp4"));
  }

  /** @param {number} run */
  imageOf(run) {
    const { files, steps, checkedBy } = this.series.runs[run];
    const file = files[Math.min(this.at.image, files.length - 1)];
    const { subfolder } = /** @type {Comparison} */ (this.comparison);
    const alt = checkedBy ? "check" : `${steps} steps`;
    return { src: file ? this.surroundings.address(viewPath(file, subfolder)) : "", alt };
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
    const spot = run.steps === this.series.sweetSpot && !run.checkedBy;
    const title = `${describeRun(run, this.series)}${spot ? " · the sweet spot" : ""}. Shift-click: other image`;
    const pick = (/** @type {MouseEvent} */ event) =>
      event.shiftKey ? this.pickSecond(at) : this.select(this.at.series, at);
    const name = run.checkedBy ? "check" : String(run.steps);
    const tab = button({ className, title, onclick: pick }, spot ? `★ ${name}` : name);
    tab.setAttribute("aria-pressed", String(at === a));
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
    const offered = MODES.filter(([mode]) => (mode !== "grid" || grid) && (mode !== "play" || this.hasVideo));
    const modes = offered.map(([mode, name, title]) =>
      button({ title, className: mode === this.mode ? "ss-on" : "", onclick: () => this.setMode(mode) }, name),
    );
    const zooms = [
      button({ title: "Fit (0)", onclick: () => this.stage.fit() }, "Fit"),
      button({ title: "One image pixel per screen pixel (1)", onclick: () => this.stage.oneToOne() }, "1:1"),
      button(
        { title: "Full screen (F)", onclick: () => this.fullScreen() },
        document.fullscreenElement === this.element ? "Leave" : "Full",
      ),
    ];
    const other =
      this.mode === "slider" || this.mode === "difference" || this.mode === "play"
        ? picker(
            "other:",
            this.series.runs.map((run) => (run.checkedBy ? "check" : `${run.steps} steps`)),
            this.at.b,
            (b) => this.pickSecond(b),
          )
        : null;
    const gain =
      this.mode === "difference"
        ? picker("brightness ×", ["1", "2", "4", "8", "16"], [1, 2, 4, 8, 16].indexOf(this.stage.gain), (at) =>
            this.setGain(2 ** at),
          )
        : null;
    const shown = Math.min(images, Math.max(...this.series.runs.map((run) => run.files.length)));
    const image =
      shown > 1
        ? picker(
            images > shown ? `first ${shown} of ${images}: image` : "image",
            [...Array(shown)].map((_, at) => String(at + 1)),
            this.at.image,
            (at) => this.setImage(at),
          )
        : null;
    const rows =
      series.length > 1
        ? picker(
            "contender",
            series.map(({ name }) => name),
            this.at.series,
            (at) => this.select(at, firstPair(series[at])[0]),
          )
        : null;
    return [
      ...modes,
      ...[other, gain, image, rows].filter((element) => element !== null),
      make("span", { className: "ss-space" }),
      ...zooms,
    ];
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
      const written = target.use(steps);
      this.status.textContent = written
        ? `${steps} steps written to ${target.name}.`
        : `Can't write steps to ${target.name} any more.`;
    };
    const label = `Use ${steps} steps`;
    if (targets.length < 2) {
      const [target] = targets;
      const title = target ? "" : "Add a sampler, Step Plan or Save Step Preset whose steps aren't linked";
      const text = target ? `${label} in ${target.name}` : label;
      return [button({ disabled: !target, title, onclick: () => use(target) }, text)];
    }
    const select = picker("", [`${label} in …`, ...targets.map(({ name }) => name)], 0, (at) => {
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
    else if (mode && (mode !== "play" || this.hasVideo)) this.setMode(mode);
    else if (key === "Delete" || key === "Backspace") return true;
    else if (key === "," || key === ".") this.stage.slideBy(key === "," ? -5 : 5);
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

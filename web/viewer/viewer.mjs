/** The viewer of the comparison nodes: verdict, buttons, tabs of step counts, stage and curve. */

import { Actions } from "./actions.mjs";
import { BlindTest } from "./blind_test.mjs";
import { ClipPlayer } from "./clips.mjs";
import { curveText, drawCurve } from "./curve.mjs";
import { describeRun, firstPair, nameOfRun, viewPath } from "../compare/data.js";
import { gallery } from "./gallery.mjs";
import { listenForKeys } from "./keys.mjs";
import { Stage } from "./stage.mjs";
import { listElements, toolElements } from "./toolbar.mjs";
import { VerdictView } from "./verdict.mjs";
import { button } from "../parts/controls.js";
import { make } from "../parts/panel.js";
import { t } from "../parts/words.js";

export class ComparisonViewer {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.surroundings = surroundings;
    /** @type {Comparison | null} */
    this.comparison = null;
    /** Whether it is still running. */
    this.live = false;
    this.at = { series: 0, a: 0, b: 0, image: 0 };
    /** @type {Mode} */
    this.mode = "single";
    this.flicker = false;
    this.gone = false;
    /** @type {any} */
    this.chart = null;
    /** @type {BlindTest | null} */
    this.blind = null;
    this.stage = new Stage();
    this.player = new ClipPlayer();
    this.verdict = new VerdictView();
    this.actions = new Actions(surroundings);
    this.tools = make("div", {
      className: "ss-row ss-tools",
      role: "toolbar",
      "aria-label": t("viewer.views", "Views"),
    });
    this.tabs = make("div", { className: "ss-tabs", role: "group", "aria-label": t("viewer.counts", "Step counts") });
    this.lists = make("div", { className: "ss-lists" });
    this.caption = make("div", { className: "ss-caption" });
    this.gallery = make("div", { className: "ss-views", hidden: true });
    this.host = make("div", { className: "ss-chart-host" });
    this.curve = make("div", { className: "ss-chart ss-curve", role: "img" }, this.host);
    this.said = make("span", { role: "status" });
    /** ComfyUI's live preview, beside the note. */
    this.preview = make("img", { className: "ss-preview", alt: "", hidden: true });
    this.note = make("div", { className: "ss-warning ss-note", hidden: true }, this.preview, this.said);
    this.content = make(
      "div",
      { className: "ss-content" },
      this.verdict.element,
      this.actions.element,
      this.tools,
      make("div", { className: "ss-choice" }, this.tabs, this.lists),
      this.stage.element,
      this.gallery,
      this.player.element,
      this.caption,
      this.curve,
    );
    this.empty = make(
      "div",
      { className: "ss-hint" },
      t("viewer.empty", "Run the node to see its images and verdict here."),
    );
    this.shown = make("div", { className: "ss-shown" }, this.empty);
    const label = t("viewer.label", "Comparison of step counts");
    const about = { className: "ss-viewer", tabIndex: 0, role: "group", "aria-label": label };
    this.element = make("div", about, this.note, this.shown);
    this.listen();
  }

  listen() {
    this.element.dataset.captureWheel = "true";
    this.element.addEventListener("fullscreenchange", () => this.update());
    listenForKeys(this);
    this.element.addEventListener("blur", () => this.setFlicker(false));
    // Samplers may have been added or removed since the last update.
    this.element.addEventListener("pointerenter", () => this.comparison && this.updateActions());
    this.stage.element.addEventListener("pointerdown", () => this.element.focus({ preventScroll: true }));
  }

  /** @param {Comparison} comparison */
  show(comparison) {
    this.live = false;
    this.take(comparison);
    this.showNote("");
    this.chart?.destroy();
    this.chart = null;
    this.host.replaceChildren();
    this.drawCurve(comparison);
    this.update();
  }

  /**
   * Show a comparison that is still running: the newest run, unless the user has chosen another one.
   *
   * @param {Comparison} comparison
   * @param {string} contender of the newest run
   * @param {number} steps of the newest run
   */
  showLive(comparison, contender, steps) {
    const chosen = this.live && this.comparison ? this.series.runs[this.at.a].steps : null;
    const followed = !this.live || chosen === this.newest;
    const before = this.live && this.comparison ? this.series.name : contender;
    this.live = true;
    // The curve of the last run doesn't know the new contenders.
    this.chart?.destroy();
    this.chart = null;
    this.take(comparison);
    const name = followed ? contender : before;
    const series = Math.max(
      comparison.series.findIndex((of) => of.name === name),
      0,
    );
    const { runs } = comparison.series[series];
    const a = Math.max(
      runs.findIndex((run) => run.steps === (followed ? steps : chosen)),
      0,
    );
    this.at = { ...this.at, series, a, b: runs.length - 1 };
    this.newest = steps;
    this.update();
  }

  /** @param {Comparison} comparison */
  take(comparison) {
    this.comparison = comparison;
    this.blind = null;
    const { series, run } = comparison.best;
    const [a, b] = firstPair(comparison.series[series]);
    // Where the headline names another run than the contender's own verdict, that one is shown, beside the reference.
    this.at = { series, a: series ? run : a, b, image: 0 };
    if (!this.offers(this.mode) || this.mode === "blind") this.mode = "single";
    this.stage.fit();
    if (this.shown.firstChild !== this.content) this.shown.replaceChildren(this.content);
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
    this.said.textContent = this.comparison && about ? `${text} ${about}` : text;
  }

  /** @param {Blob | null} picture a live preview; null hides it */
  showPreview(picture) {
    if (this.preview.src) URL.revokeObjectURL(this.preview.src);
    this.preview.hidden = picture === null;
    if (picture) this.preview.src = URL.createObjectURL(picture);
    else this.preview.removeAttribute("src");
  }

  /** @param {Comparison} comparison */
  async drawCurve(comparison) {
    this.curve.setAttribute("aria-label", curveText(comparison));
    const chart = await drawCurve(
      this.host,
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

  get hasVideo() {
    return this.series.runs.some(({ clip }) => clip.endsWith(".mp4"));
  }

  /** @param {Mode} mode */
  offers(mode) {
    if (mode === "play") return this.hasVideo;
    return mode !== "blind" || (!this.live && this.series.runs.some(({ ofImages }) => ofImages.length > 0));
  }

  /**
   * @param {number} series
   * @param {number} run
   */
  select(series, run) {
    const other =
      series === this.at.series ? this.at.b : firstPair(/** @type {Comparison} */ (this.comparison).series[series])[1];
    this.at = { ...this.at, series, a: run, b: other };
    if (this.mode === "grid" || this.mode === "blind") this.mode = "single";
    this.update();
  }

  /** @param {number} at */
  pickSecond(at) {
    this.at = { ...this.at, b: at };
    if (this.mode !== "difference" && this.mode !== "play") this.mode = "slider";
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

  update() {
    if (!this.comparison) return;
    const focused = this.element.contains(document.activeElement);
    this.verdict.show(this.comparison, this.series);
    this.actions.report("");
    this.updateActions();
    this.tools.replaceChildren(...toolElements(this));
    this.tabs.replaceChildren(...this.series.runs.map((run, at) => this.tab(at)));
    this.lists.replaceChildren(...listElements(this));
    this.showViews();
    this.showStage();
    this.showClips();
    this.caption.textContent = this.captionText();
    this.chart?.redraw();
    // The button that was pressed has been replaced: focus the viewer, so that its keys still work.
    if (focused && !this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
  }

  updateActions() {
    this.actions.show(this.series.runs[this.at.a], this.series);
  }

  captionText() {
    const [first, second] = [this.at.a, this.at.b].map((at) => describeRun(this.series.runs[at], this.series));
    if (this.mode === "grid" || this.mode === "play" || this.mode === "blind") return "";
    if (this.mode === "single") return this.flicker ? second : first;
    return this.mode === "slider"
      ? t("caption.slider", "left {first} — right {second}", { first, second })
      : t("caption.difference", "between {first} — and {second}", { first, second });
  }

  /** Show the grid or the blind test in the stage's place. */
  showViews() {
    const comparison = /** @type {Comparison} */ (this.comparison);
    const instead = this.mode === "grid" || this.mode === "blind";
    this.gallery.hidden = !instead;
    // Nobody must know what the halves are.
    this.content.classList.toggle("ss-blinded", this.mode === "blind");
    // They need the room.
    this.curve.hidden = this.live || instead;
    this.stage.element.hidden = instead || this.mode === "play";
    if (this.mode === "grid")
      this.gallery.replaceChildren(
        gallery(
          this.series,
          (run) => this.imageOf(run),
          (run) => this.select(this.at.series, run),
        ),
      );
    else if (this.mode === "blind") {
      this.blind ??= new BlindTest(
        comparison,
        ({ files }, image) => this.addressOf(files[image]),
        (percent) => this.surroundings.setThreshold(percent),
      );
      this.gallery.replaceChildren(this.blind.element);
    } else this.gallery.replaceChildren();
  }

  showStage() {
    const [first, second] = [this.imageOf(this.at.a), this.imageOf(this.at.b)];
    if (this.stage.element.hidden) return;
    this.stage.show(this.mode, this.mode === "single" && this.flicker ? second : first, second);
    for (const run of [this.at.a - 1, this.at.a + 1, this.at.b]) {
      const src = this.series.runs[run] ? this.imageOf(run).src : "";
      if (src) new Image().src = src;
    }
  }

  /** Videos take the stage's place while they play; sounds have their players below their spectrograms. */
  showClips() {
    const clips = [...new Set([this.at.a, this.at.b])]
      .map((at) => ({ clip: this.series.runs[at].clip, name: describeRun(this.series.runs[at], this.series) }))
      .filter(({ clip }) => clip && (!this.hasVideo || this.mode === "play"))
      .map(({ clip, name }) => ({ src: this.addressOf(clip), name }));
    this.player.show(clips, this.hasVideo);
  }

  /** @param {string | undefined} file */
  addressOf(file) {
    const { subfolder } = /** @type {Comparison} */ (this.comparison);
    return file ? this.surroundings.address(viewPath(file, subfolder)) : "";
  }

  /** @param {number} run */
  imageOf(run) {
    const { files } = this.series.runs[run];
    return {
      src: this.addressOf(files[Math.min(this.at.image, files.length - 1)]),
      alt: nameOfRun(this.series.runs[run]),
    };
  }

  /** @param {number} at */
  tab(at) {
    const run = this.series.runs[at];
    const { a, b } = this.at;
    const two = this.mode !== "single";
    const className = `ss-tab${at === a ? " ss-first" : ""}${at === b && two ? " ss-second" : ""}`;
    const spot = run.steps === this.series.sweetSpot && !run.checkedBy;
    const said = [describeRun(run, this.series), spot && t("tab.spot", "the sweet spot")].filter(Boolean).join(" · ");
    const title = t("tab.help", "{said}. Shift-click: other image", { said });
    const pick = (/** @type {MouseEvent} */ event) =>
      event.shiftKey ? this.pickSecond(at) : this.select(this.at.series, at);
    const name = run.checkedBy ? nameOfRun(run) : String(run.steps);
    return button({ className, title, "aria-pressed": String(at === a), onclick: pick }, spot ? `★ ${name}` : name);
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.();
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

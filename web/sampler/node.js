/**
 * Shows on our sampling nodes what a step count means for the connected model, what a linked plan sets, the progress of
 * a run, and its result.
 */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { isOfOpenWorkflow, moveCanvasThrough, nodeByExecutionId, valueOf, watchWidgets } from "../graph/canvas.js";
import { planText, watchPlan } from "../graph/linked_plan.js";
import { askForZones } from "../graph/route.js";
import { addPanel, chain, make, oncePerFrame } from "../parts/panel.js";
import { checkedWords, say, t } from "../parts/words.js";
import { placeOf, zoneOf } from "./steps_band.js";
import { columns, describeProgress, emptySeries, fromTrace, withMessage } from "./trace_series.js";

const PLANNED = ["steps", "cfg", "sampler_name", "scheduler"];
const NODES = new Set(["SweetSpotSampler", "SweetSpotWrapSampler", "SweetSpotReadTrace"]);

/** Heights in the graph's pixels: a line of text, the part about the steps, the chart with its text. */
const LINE_HEIGHT = 40;
const STEPS_HEIGHT = 96;
const CHART_HEIGHT = 190;

/** @type {WeakMap<object, SamplerPanel>} */
const panels = new WeakMap();

app.registerExtension({
  name: "SweetSpot.SamplerPanel",

  setup() {
    api.addEventListener("sweetspot.trace", async ({ detail }) => {
      if (await isOfOpenWorkflow(detail.prompt_id)) panelOf(detail.node)?.stepped(detail);
    });
    api.addEventListener("executed", async ({ detail }) => {
      const { trace, text, check } = detail.output ?? {};
      if (!trace || !(await isOfOpenWorkflow(detail.prompt_id))) return;
      panelOf(detail.display_node ?? detail.node)?.finished(trace[0], text ?? [], check?.[0]);
    });
  },

  nodeCreated(node) {
    if (NODES.has(String(node.comfyClass))) panels.set(node, new SamplerPanel(node));
  },
});

/** @param {string | number} id */
function panelOf(id) {
  const node = nodeByExecutionId(id);
  return node && panels.get(node);
}

class SamplerPanel {
  /** @param {CanvasNode} node */
  constructor(node) {
    this.node = node;
    this.series = emptySeries();
    /** @type {Chart} */
    this.chart = null;
    /** @type {Promise<void> | null} */
    this.drawing = null;
    this.gone = false;
    this.asked = 0;
    this.linked = false;
    /** @type {Plan | null} */
    this.planned = null;
    this.plan = make("div", {
      className: "ss-plan",
      hidden: true,
      title: t("plan.help", "A linked plan overrides the greyed widgets"),
    });
    this.band = make("div", { className: "ss-band" });
    this.advice = make("div", { className: "ss-advice" });
    this.host = make("div", { className: "ss-chart-host" });
    this.frame = make("div", { className: "ss-chart", hidden: true, title: chartHelp() }, this.host);
    this.checked = make("div", { className: "ss-checked", role: "status", hidden: true });
    this.text = make("div", { className: "ss-text" });
    this.withSteps = node.comfyClass === "SweetSpotSampler";
    const steps = this.withSteps ? [this.plan, this.band, this.advice] : [];
    const panel = make("div", { className: "ss-panel" }, ...steps, this.frame, this.checked, this.text);
    const least = this.withSteps ? STEPS_HEIGHT : LINE_HEIGHT;
    const resize = addPanel(node, "sweetspot_progress", panel, { least });
    this.makeRoom = () => resize(least + CHART_HEIGHT);
    this.draw = oncePerFrame(() => this.drawNow());
    moveCanvasThrough(panel);
    chain(node, "onAdded", () => (this.gone = false));
    chain(node, "onRemoved", () => this.dispose());
    if (this.withSteps) this.watch();
  }

  watch() {
    watchPlan(this.node, PLANNED, (linked, plan) => {
      [this.linked, this.planned] = [linked, plan];
      this.plan.hidden = !linked;
      this.plan.textContent = planText(plan);
      this.updateSteps();
    });
    watchWidgets(this.node, ["steps"], () => this.updateSteps());
    this.updateSteps();
  }

  async updateSteps() {
    const ticket = ++this.asked;
    const zones = await askForZones(this.node);
    const steps = this.linked ? (this.planned?.steps ?? null) : valueOf(this.node, "steps");
    if (ticket === this.asked) this.showSteps(zones, steps);
  }

  /**
   * @param {Zone[]} zones
   * @param {number | null} steps null if a plan sets them that isn't known yet
   */
  showSteps(zones, steps) {
    const parts = zones.map(({ first, last, name, text }) => {
      const [left, right] = [placeOf(first), placeOf(last + 1)];
      return make("i", {
        className: `ss-zone ss-${name}`,
        style: `left:${left * 100}%;width:${(right - left) * 100}%`,
        title: t("band.range", "{first} to {last} steps: {text}", { first, last, text: say(text) }),
      });
    });
    const marker =
      steps === null ? null : make("i", { className: "ss-marker", style: `left:${placeOf(steps) * 100}%` });
    this.band.replaceChildren(...parts, ...(marker ? [marker] : []));
    const zone = steps === null ? undefined : zoneOf(steps, zones);
    const known = zone && t("band.zone", "{count}: {text}", { count: counted(steps), text: say(zone.text) });
    this.advice.textContent =
      steps === null ? t("band.unknown", "The plan's step count is only known when it runs.") : (known ?? "");
  }

  /** @param {TraceMessage} message */
  stepped(message) {
    this.checked.hidden = !message.check;
    if (message.check) {
      delete this.checked.dataset.answer;
      this.checked.textContent = t("enough.checking", "Checking this run: step {step} of {of}", {
        step: message.step,
        of: message.steps,
      });
      return;
    }
    this.series = withMessage(this.series, message);
    this.text.textContent = describeProgress(message);
    this.draw();
  }

  /**
   * @param {string} trace
   * @param {string[]} text
   * @param {string} [check] JSON: whether the steps were enough
   */
  finished(trace, text, check) {
    this.checked.hidden = !check;
    if (check) {
      const { answer, text: said } = JSON.parse(check);
      this.checked.dataset.answer = String(answer);
      this.checked.textContent = say(checkedWords(said));
    }
    this.series = fromTrace(trace) ?? this.series;
    this.text.textContent = text.join("\n");
    this.draw();
  }

  drawNow() {
    if (this.frame.hidden) {
      this.frame.hidden = false;
      this.makeRoom();
    }
    if (this.chart) this.update();
    else this.drawing ??= this.create();
  }

  async create() {
    const { drawTrace } = await import("../viewer/trace_chart.mjs");
    const chart = await drawTrace(this.host, () => this.series);
    this.drawing = null;
    // The node may have been removed while the library was loading.
    if (this.gone) return chart.destroy();
    this.chart = chart;
    this.update();
  }

  dispose() {
    this.gone = true;
    this.chart?.destroy();
    this.chart = null;
  }

  update() {
    this.chart.setData(columns(this.series), false);
    const highest = Math.max(1, ...columns(this.series)[1].map((value) => value ?? 0));
    this.chart.batch(() => {
      this.chart.setScale("x", { min: 0.5, max: this.series.steps + 0.5 });
      this.chart.setScale("y", { min: 0, max: highest * 1.1 });
    });
  }
}

/** @param {number | null} steps */
const counted = (steps) => t("run.steps", "{steps} step | {steps} steps", { steps });

const chartHelp = () =>
  t("trace.help", "How much each step changed the predicted image. Shaded: steps with guidance. Orange: kept steps");

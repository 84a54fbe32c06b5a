/**
 * Shows on our sampling nodes what a step count means for the model at hand, what a linked plan sets, what the running
 * step does, and what the run did.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { askForModel, frameOfNode, nodeByExecutionId, valueOf, watchGraph, watchWidgets } from "./canvas.js";
import { axis, drawChart, unzoomed } from "./chart.js";
import { slotOf, sourceOf } from "./graph_walk.js";
import { addPanel, make, oncePerFrame } from "./panel.js";
import { laidOver, planOf, settingsLine } from "./recognition.js";
import { bandParts, describeSteps, MOST_SHOWN, placeOf } from "./steps_band.js";
import { columns, emptySeries, fromTrace, guidedStretches, withMessage } from "./trace_series.js";
import { describeProgress } from "./trace_text.js";

/**
 * @import { Answer } from "./recognition.js"
 * @import { CanvasNode } from "./panel.js"
 * @typedef {{ steps: number, cfg: number, sampler_name: string, scheduler: string }} Plan
 */

/** Widgets that a linked plan wins over, by node class. @type {Record<string, string[]>} */
const PLANNED = {
  SweetSpotSampler: ["steps", "cfg", "sampler_name", "scheduler"],
  SweetSpotCompare: ["cfg", "sampler_name", "scheduler"],
};
const TRACED = new Set(["SweetSpotSampler", "SweetSpotWrapSampler", "SweetSpotReadTrace"]);
const MOST_HOPS = 20;

/** In pixels of the graph: a line, what is said of the steps, the chart with its text. */
const LINE_HEIGHT = 40;
const STEPS_HEIGHT = 96;
const CHART_HEIGHT = 170;

/** @type {WeakMap<object, SamplerPanel>} */
const panels = new WeakMap();

app.registerExtension({
  name: "SweetSpot.SamplerPanel",

  setup() {
    api.addEventListener("sweetspot.trace", ({ detail }) => panelOf(detail.node)?.stepped(detail));
    api.addEventListener("executed", ({ detail }) => {
      const output = /** @type {any} */ (detail.output);
      if (output?.trace) panelOf(detail.display_node ?? detail.node)?.finished(output.trace[0], output.text ?? []);
    });
  },

  nodeCreated(node) {
    const name = String(node.comfyClass);
    if (TRACED.has(name) || name in PLANNED) panels.set(node, new SamplerPanel(node, name));
  },
});

/** @param {string | number} id */
function panelOf(id) {
  const node = nodeByExecutionId(id);
  return node && panels.get(node);
}

class SamplerPanel {
  /**
   * @param {CanvasNode} node
   * @param {string} name
   */
  constructor(node, name) {
    this.node = node;
    this.planned = PLANNED[name] ?? [];
    this.series = emptySeries();
    /** @type {any} */
    this.chart = null;
    /** @type {Promise<void> | null} */
    this.drawing = null;
    this.asked = 0;
    this.plan = make("div", { className: "ss-plan", hidden: true });
    this.band = make("div", { className: "ss-band" });
    this.advice = make("div", { className: "ss-advice" });
    this.host = make("div", { className: "ss-chart-host" });
    this.frame = make("div", { className: "ss-chart", hidden: true }, this.host);
    this.text = make("div", { className: "ss-text", role: "status" });
    this.withSteps = name === "SweetSpotSampler";
    const parts = [this.plan, ...(this.withSteps ? [this.band, this.advice] : []), ...(TRACED.has(name) ? [this.frame, this.text] : [])];
    const least = this.withSteps ? STEPS_HEIGHT : LINE_HEIGHT;
    const panel = make("div", { className: "ss-panel" }, ...parts);
    const resize = addPanel(node, "sweetspot_progress", panel, TRACED.has(name) ? { least } : { least, most: least });
    this.makeRoom = () => resize(least + CHART_HEIGHT);
    this.draw = oncePerFrame(() => this.drawNow());
    const refresh = () => this.refresh();
    if (this.planned.length) watchGraph(node, refresh);
    watchWidgets(node, ["steps"], refresh);
    refresh();
  }

  async refresh() {
    const ticket = ++this.asked;
    const frame = frameOfNode(this.node);
    const slot = slotOf(/** @type {any} */ (this.node), "plan");
    const linked = frame !== null && slot >= 0 && this.node.inputs[slot].link != null;
    for (const widget of this.node.widgets ?? []) {
      if (this.planned.includes(widget.name)) widget.disabled = linked;
    }
    const asked = this.withSteps ? askForModel(this.node) : null;
    const [reply, plan] = await Promise.all([asked?.reply ?? null, linked ? planBehind(this.node) : null]);
    if (ticket !== this.asked) return;
    this.showPlan(linked, plan);
    if (this.withSteps) this.showSteps(reply?.answer ?? null, plan?.steps ?? (linked ? null : Number(valueOf(this.node, "steps"))));
    this.node.graph?.setDirtyCanvas(true, false);
  }

  /**
   * @param {boolean} linked
   * @param {Plan | null} plan
   */
  showPlan(linked, plan) {
    this.plan.hidden = !linked;
    this.plan.textContent = plan ? `plan: ${settingsLine(plan)}` : "plan: its settings win; they are known when it runs";
    this.plan.title = "A linked plan wins over the greyed widgets";
  }

  /**
   * @param {Answer | null} answer
   * @param {number | null} steps null where a plan sets them that is not known yet
   */
  showSteps(answer, steps) {
    const zones = bandParts(answer).map(({ from, to, zone }) => {
      const [left, right] = [placeOf(from), placeOf(to)];
      return make("i", { className: `ss-zone ss-${zone}`, style: `left:${left * 100}%;width:${(right - left) * 100}%` });
    });
    const marker = steps === null ? null : make("i", { className: "ss-marker", style: `left:${placeOf(steps) * 100}%` });
    this.band.replaceChildren(...zones, ...(marker ? [marker] : []));
    this.band.title = `Step counts from 1 to ${MOST_SHOWN}; 1 to 10: quick previews and distilled models, 20 to 30: where most models live, 40 to 100: marginal gains`;
    this.advice.textContent = steps === null ? "" : describeSteps(steps, answer).text;
  }

  /** @param {import("./trace_text.js").TraceMessage} message */
  stepped(message) {
    this.series = withMessage(this.series, message);
    this.text.textContent = describeProgress(message);
    this.draw();
  }

  /**
   * @param {string} trace
   * @param {string[]} text
   */
  finished(trace, text) {
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
    this.chart = await drawChart(this.host, (colours) => chartOptions(colours, () => this.series), columns(this.series));
    this.update();
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

/**
 * @param {import("./chart.js").Colours} colours
 * @param {() => import("./trace_series.js").TraceSeries} series
 */
function chartOptions(colours, series) {
  const accent = "#3fa7d6";
  return {
    padding: [8, 8, 0, 0],
    cursor: { move: unzoomed, drag: { x: false, y: false }, y: false },
    scales: { x: { time: false, auto: false }, y: { auto: false } },
    axes: [
      axis(colours, { size: 18, incrs: [1, 2, 5, 10, 20, 50, 100, 500, 1000] }),
      axis(colours, { size: 38, values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((value) => `${value} %`) }),
    ],
    series: [
      {},
      { stroke: accent, width: 2, spanGaps: true, points: { show: false } },
      { stroke: "#e8a33d", fill: "#e8a33d", paths: () => null, points: { show: true, size: 7 } },
    ],
    hooks: { drawClear: [(/** @type {any} */ chart) => shadeGuidance(chart, guidedStretches(series().points))] },
  };
}

/**
 * Shade the steps in which guidance was on.
 *
 * @param {any} chart
 * @param {[number, number][]} stretches
 */
function shadeGuidance(chart, stretches) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = "rgba(120, 180, 120, 0.22)";
  for (const [first, last] of stretches) {
    const left = Math.max(chart.valToPos(first - 0.5, "x", true), bbox.left);
    const right = Math.min(chart.valToPos(last + 0.5, "x", true), bbox.left + bbox.width);
    ctx.fillRect(left, bbox.top, Math.max(right - left, 0), bbox.height);
  }
  ctx.restore();
}

/**
 * What the plan behind a node's `plan` input says; null where only a run can tell.
 *
 * @param {CanvasNode} node
 * @param {number} [hops]
 * @returns {Promise<Plan | null>}
 */
async function planBehind(node, hops = 0) {
  const frame = frameOfNode(node);
  const slot = slotOf(/** @type {any} */ (node), "plan");
  const source = frame && slot >= 0 && hops < MOST_HOPS ? sourceOf(frame, /** @type {any} */ (node), slot) : null;
  if (!source || "value" in source) return null;
  const giver = /** @type {any} */ (source.node);
  if (giver.comfyClass === "SweetSpotPreset") return presetPlan(giver);
  if (giver.comfyClass !== "SweetSpotPlan") return null;
  if (giver.inputs.some((/** @type {any} */ input) => input.link != null && input.name !== "plan")) return null;
  const below = giver.inputs.find((/** @type {any} */ input) => input.name === "plan")?.link != null;
  const base = below ? await planBehind(giver, hops + 1) : null;
  if (below && !base) return null;
  const names = ["steps", "cfg", "sampler_name", "scheduler"];
  return /** @type {Plan} */ (laidOver(Object.fromEntries(names.map((name) => [name, valueOf(giver, name)])), base));
}

/** @param {CanvasNode} preset */
async function presetPlan(preset) {
  const asked = askForModel(preset, { variant: valueOf(preset, "variant"), evidence: valueOf(preset, "evidence") });
  const { answer } = (await asked?.reply) ?? { answer: null };
  return answer && planOf(answer, String(valueOf(preset, "quality") ?? "balanced"));
}

/** The points of a run, live or finished, as the chart draws them. */

import { t } from "../parts/words.js";

/** @returns {TraceSeries} */
export const emptySeries = () => ({ steps: 0, points: [], kept: [] });

/**
 * Add a message's step to the series. A step not later than the last, or another step count, starts
 * a new run.
 *
 * @param {TraceSeries} series
 * @param {TraceMessage} message
 * @returns {TraceSeries}
 */
export function withMessage(series, message) {
  const last = series.points.at(-1)?.step ?? 0;
  const points = message.step <= last || message.steps !== series.steps ? [] : series.points;
  const point = { step: message.step, change: message.change, cfg: message.cfg };
  return { steps: message.steps, points: [...points, point], kept: [] };
}

/**
 * The series of a finished run from the trace in the node's output; null if the text isn't a trace.
 *
 * @param {string} text JSON
 * @returns {TraceSeries | null}
 */
export function fromTrace(text) {
  let trace;
  try {
    trace = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(trace?.steps)) return null;
  const points = trace.steps.map((/** @type {any} */ { step, change, cfg }) => ({ step, change, cfg }));
  return { steps: Math.max(trace.steps_scheduled, 1), points, kept: Array.isArray(trace.kept) ? trace.kept : [] };
}

/**
 * uPlot's columns: step numbers, and change in per cent.
 *
 * @param {TraceSeries} series
 * @returns {[number[], (number | null)[]]}
 */
export function columns({ points }) {
  return [points.map(({ step }) => step), points.map(({ change }) => (change === null ? null : change * 100))];
}

/**
 * The ranges of steps with guidance, each as its first and last step; cfg 1 is off.
 *
 * @param {Point[]} points
 * @returns {[number, number][]}
 */
export function guidedStretches(points) {
  /** @type {[number, number][]} */
  const stretches = [];
  let open = false;
  for (const { step, cfg } of points) {
    const guided = cfg !== null && cfg !== 1;
    if (guided && open) stretches[stretches.length - 1][1] = step;
    else if (guided) stretches.push([step, step]);
    open = guided;
  }
  return stretches;
}

/**
 * A message from a running sampler as one line.
 *
 * @param {TraceMessage} message
 * @returns {string}
 */
export function describeProgress(message) {
  const { step, steps: of, sigma, cfg, change, seconds_left } = message;
  const parts = [t("live.step", "step {step} of {of}", { step, of }), `σ ${round(sigma)}`];
  if (cfg !== null) parts.push(cfg === 1 ? t("trace.unguided", "no guidance") : `cfg ${round(cfg)}`);
  if (change !== null) parts.push(t("trace.change", "change {change} %", { change: (change * 100).toFixed(1) }));
  if (seconds_left !== null) parts.push(t("trace.left", "{left} s left", { left: seconds_left.toFixed(1) }));
  return parts.join(" · ");
}

/** @param {number} value */
function round(value) {
  return String(Number(value.toPrecision(3)));
}

/** The chart of a run: how much each step changed the image, where guidance was on, and which steps were kept. */

import { axis, drawChart, unzoomed } from "./chart.mjs";
import { t } from "../parts/words.js";
import { columns, guidedStretches } from "../sampler/trace_series.js";

/**
 * Draw the chart into an element.
 *
 * @param {HTMLElement} host
 * @param {() => TraceSeries} series the newest one
 * @returns {Promise<Chart>}
 */
export function drawTrace(host, series) {
  return drawChart(host, (colours) => chartOptions(colours, series), columns(series()));
}

/**
 * @param {Colours} colours
 * @param {() => TraceSeries} series
 */
function chartOptions(colours, series) {
  const accent = "#3fa7d6";
  return {
    padding: [8, 8, 0, 0],
    cursor: { move: unzoomed, drag: { x: false, y: false }, y: false },
    scales: { x: { time: false, auto: false }, y: { auto: false } },
    axes: [
      axis(colours, t("trace.step", "step"), 20, "", { incrs: [1, 2, 5, 10, 20, 50, 100, 500, 1000] }),
      axis(colours, t("trace.axis", "change"), 44, " %"),
    ],
    series: [{}, { stroke: accent, width: 2, spanGaps: true, points: { show: false } }],
    hooks: {
      drawClear: [
        (/** @type {any} */ chart) => shadeGuidance(chart, guidedStretches(series().points)),
        (/** @type {any} */ chart) => markKept(chart, series().kept),
      ],
    },
  };
}

/**
 * Draw a line across the plot at each kept step: a point would need a change, and the first step has none.
 *
 * @param {any} chart
 * @param {number[]} kept
 */
function markKept({ ctx, bbox, valToPos }, kept) {
  ctx.save();
  ctx.fillStyle = "#e8a33d";
  const width = 2 * devicePixelRatio;
  for (const step of kept) ctx.fillRect(valToPos(step, "x", true) - width / 2, bbox.top, width, bbox.height);
  ctx.restore();
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

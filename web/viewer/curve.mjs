/**
 * The curve of similarity against steps, with the sweet spot and the threshold marked, and the times of the selected
 * series above. A click selects a point.
 */

import { axis, drawChart, unzoomed } from "./chart.mjs";
import { t } from "../parts/words.js";
import { describeRun, similarity, timeOf } from "../compare/data.js";

const COLOURS = ["#3fa7d6", "#e8a33d", "#7bbf6a", "#c678dd", "#e06c75", "#56b6c2"];
const REACH = 24;
// Labels closer to each other than this would overlap.
const APART = 44;

/**
 * @param {HTMLElement} host
 * @param {Comparison} comparison
 * @param {() => Chosen} selected
 * @param {(series: number, run: number) => void} select
 */
export async function drawCurve(host, comparison, selected, select) {
  const { columns, places } = aligned(comparison.series);
  const chart = await drawChart(host, (colours) => options(colours, comparison, selected), columns);
  const nearest = (/** @type {MouseEvent} */ event) => {
    const shown = chart.over.getBoundingClientRect();
    const [x, y] = unzoomed(chart, event.clientX - shown.left, event.clientY - shown.top);
    const distances = places.map(({ steps, alike }) =>
      Math.hypot(chart.valToPos(steps, "x") - x, chart.valToPos(alike, "y") - y),
    );
    const at = distances.indexOf(Math.min(...distances));
    return distances[at] <= REACH ? places[at] : null;
  };
  chart.over.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const place = nearest(event);
    if (place) select(place.series, place.run);
  });
  chart.over.addEventListener("mousemove", (/** @type {MouseEvent} */ event) => {
    const place = nearest(event);
    chart.over.style.cursor = place ? "pointer" : "default";
    chart.over.title = place ? described(comparison.series, place) : "";
  });
  return chart;
}

/**
 * @param {Series[]} series
 * @param {{ series: number, run: number }} place
 */
function described(series, place) {
  const { name, runs } = series[place.series];
  const said = describeRun(runs[place.run], series[place.series]);
  return series.length > 1 ? `${name}: ${said}` : said;
}

/**
 * A series' runs without the check, which is not a step count of its sampler.
 *
 * @param {Series} series
 */
function counted({ runs }) {
  return runs.filter((run) => !run.checkedBy);
}

/**
 * uPlot's columns, with the step counts of all series as x, and the point of each run.
 *
 * @param {Series[]} series
 */
export function aligned(series) {
  const places = series.flatMap((of, number) =>
    counted(of).map((run, at) => ({ series: number, run: at, steps: run.steps, alike: similarity(run) })),
  );
  const counts = [...new Set(places.map((place) => place.steps))].sort((left, right) => left - right);
  const rows = series.map((_, number) => places.filter((place) => place.series === number));
  const columns = [
    counts,
    ...rows.map((row) => counts.map((steps) => row.find((place) => place.steps === steps)?.alike ?? null)),
  ];
  return { columns, places };
}

/**
 * @param {Colours} colours
 * @param {Comparison} comparison
 * @param {() => Chosen} selected
 */
function options(colours, { series, visible }, selected) {
  const counts = series.flatMap((of) => counted(of).map((run) => run.steps));
  const threshold = visible === null ? 100 : visible * 100;
  const lowest = Math.min(99, threshold, ...series.flatMap((of) => counted(of).map(similarity)));
  const height = 100 - lowest;
  return {
    padding: [22, 16, 0, 0],
    cursor: { move: unzoomed, drag: { x: false, y: false }, y: false, x: false },
    // Fixed ranges: uPlot asks again at each redraw, so a margin would be added to the last margin each time.
    scales: {
      x: { time: false, range: () => padded(counts) },
      y: { range: () => [lowest - 0.1 * height, 100 + 0.4 * height] },
    },
    axes: [
      axis(colours, t("curve.steps", "steps"), 22),
      axis(colours, t("curve.similarity", "similarity"), 46, " %", {
        splits: () => marksOf(lowest, threshold),
        filter: (/** @type {any} */ _chart, /** @type {number[]} */ marks) => marks,
      }),
    ],
    series: [
      {},
      ...series.map(({ name }, at) => ({
        label: name,
        stroke: COLOURS[at % COLOURS.length],
        width: 1.5,
        spanGaps: true,
        points: { show: true, size: 6 },
      })),
    ],
    hooks: {
      draw: [
        (/** @type {any} */ chart) =>
          visible !== null && markThreshold(chart, threshold, colours.text(), series.length === 1),
        (/** @type {any} */ chart) => markRuns(chart, series, selected(), colours.text()),
        (/** @type {any} */ chart) => markTimes(chart, series[selected().series], colours.text()),
      ],
    },
  };
}

/**
 * A line below which a difference is visible.
 *
 * @param {any} chart
 * @param {number} threshold
 * @param {string} ink
 * @param {boolean} isNamed whether there is room to say what it is
 */
function markThreshold(chart, threshold, ink, isNamed) {
  const { ctx, bbox } = chart;
  const y = chart.valToPos(threshold, "y", true);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.globalAlpha = 0.6;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${12 * devicePixelRatio}px sans-serif`;
  ctx.textAlign = "right";
  if (isNamed)
    ctx.fillText(t("curve.visible", "looks different below"), bbox.left + bbox.width, y + 13 * devicePixelRatio);
  ctx.restore();
}

/**
 * The marks of the axis: 100 %, the threshold and the lowest similarity, as far as they stand apart.
 *
 * @param {number} lowest
 * @param {number} threshold
 */
export function marksOf(lowest, threshold) {
  const apart = 0.25 * (100 - lowest);
  const marks = [Math.ceil(lowest)];
  if (threshold - lowest > apart && 100 - threshold > apart) marks.push(+threshold.toFixed(1));
  return [...marks, 100];
}

/** @param {number[]} values */
function padded(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const margin = Math.max((most - least) * 0.06, 0.5);
  return [Math.max(0, least - margin), most + margin];
}

/**
 * Label the points with their step counts, ring the selected ones, and mark the sweet spot.
 *
 * @param {any} chart
 * @param {Series[]} series
 * @param {Chosen} selected
 * @param {string} ink
 */
function markRuns(chart, series, selected, ink) {
  const { ctx } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${12 * ratio}px sans-serif`;
  ctx.textAlign = "center";
  series.forEach((of, number) => {
    const { name, sweetSpot } = of;
    if (series.length > 1) nameSeries(chart, name, number, series.length);
    counted(of).forEach((run, at) => {
      const [x, y] = [chart.valToPos(run.steps, "x", true), chart.valToPos(similarity(run), "y", true)];
      const spot = run.steps === sweetSpot;
      ctx.fillStyle = ink;
      // The labels of several series would cover each other.
      if (number === selected.series) ctx.fillText(spot ? `★ ${run.steps}` : String(run.steps), x, y - 10 * ratio);
      if (number === selected.series && (at === selected.a || at === selected.b)) ring(ctx, x, y, 6 * ratio, ink);
      if (spot) ring(ctx, x, y, 4 * ratio, "#4caf50");
    });
  });
  ctx.restore();
}

/**
 * Write a series' times above the plot, leaving out those that would overlap.
 *
 * @param {any} chart
 * @param {Series} series
 * @param {string} ink
 */
function markTimes({ ctx, bbox, valToPos }, series, ink) {
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${12 * ratio}px sans-serif`;
  ctx.textAlign = "center";
  ctx.fillStyle = ink;
  ctx.globalAlpha = 0.7;
  let free = -Infinity;
  for (const run of counted(series)) {
    const x = valToPos(run.steps, "x", true);
    if (run.timing === "unknown" || x < free) continue;
    ctx.fillText(timeOf(run), x, bbox.top - 16 * ratio);
    free = x + APART * ratio;
  }
  ctx.restore();
}

/**
 * @param {Chart} chart
 * @param {string} name
 * @param {number} number
 * @param {number} of how many there are
 */
function nameSeries({ ctx, bbox }, name, number, of) {
  ctx.save();
  ctx.textAlign = "right";
  ctx.fillStyle = COLOURS[number % COLOURS.length];
  ctx.fillText(name, bbox.left + bbox.width, bbox.top + bbox.height - (13 * (of - 1 - number) + 4) * devicePixelRatio);
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {string} colour
 */
function ring(ctx, x, y, radius, colour) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.stroke();
}

/**
 * The curve in words, for those who can't see it.
 *
 * @param {Comparison} comparison
 */
export function curveText({ series }) {
  const lines = series.map((of) => `${of.name}: ${of.runs.map((run) => describeRun(run, of)).join("; ")}`);
  return t("curve.text", "Similarity against steps. {points}.", { points: lines.join(". ") });
}

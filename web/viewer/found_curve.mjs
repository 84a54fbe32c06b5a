/** What Calibrate Steps found at other step counts: finished images as a table, similarity as a curve. */

import { axis, drawChart, unzoomed } from "./chart.mjs";
import { make } from "../parts/panel.js";
import { t } from "../parts/words.js";

const COLOURS = ["#3fa7d6", "#e8a33d", "#7bbf6a"];

/**
 * A row for each schedule, a column for each step count, and how many images are finished.
 *
 * @param {FoundRow[]} rows
 */
export function tableOf(rows) {
  const cell = (/** @type {"th" | "td"} */ tag, /** @type {string} */ textContent, more = {}) =>
    make(tag, { textContent, ...more });
  const head = make(
    "tr",
    {},
    cell("th", t("found.finishedAt", "finished images with … steps")),
    ...rows[0].points.map(({ steps }) => cell("th", `${steps}`)),
  );
  const lines = rows.map(({ name, points }, at) => {
    const first = make("th", { style: `color: ${COLOURS[at % COLOURS.length]}`, textContent: name });
    return make("tr", {}, first, ...points.map((point) => cell("td", told(point), { title: similarityOf(point) })));
  });
  return make("table", { className: "ss-table" }, make("thead", {}, head), make("tbody", {}, ...lines));
}

/** @param {FoundPoint} point */
const told = ({ finished, images }) => `${finished} / ${images}`;

/** @param {FoundPoint} point */
const similarityOf = ({ mean, worst }) =>
  t("found.similarity", "{mean} % similar to the finished images on average, at worst {worst} %", {
    mean: (mean * 100).toFixed(1),
    worst: (worst * 100).toFixed(1),
  });

/**
 * Draw the mean similarity of each schedule against steps.
 *
 * @param {HTMLElement} host
 * @param {FoundRow[]} rows
 */
export function drawFoundCurve(host, rows) {
  const counts = rows[0].points.map(({ steps }) => steps);
  const lines = rows.map(({ points }) => points.map(({ mean }) => mean * 100));
  const lowest = Math.min(...lines.flat());
  const room = (100 - lowest) * 0.1 || 1;
  const reach = (counts[counts.length - 1] - counts[0]) * 0.05 || 1;
  const options = (/** @type {Colours} */ colours) => ({
    padding: [8, 8, 0, 0],
    cursor: { move: unzoomed, drag: { x: false, y: false }, y: false },
    scales: {
      x: { time: false, range: () => [counts[0] - reach, counts[counts.length - 1] + reach] },
      y: { range: () => [lowest - room, 100] },
    },
    axes: [
      axis(colours, t("curve.steps", "steps"), 22, "", { incrs: [1, 2, 5, 10, 20, 50] }),
      axis(colours, t("curve.similarity", "similarity"), 46, " %"),
    ],
    series: [
      {},
      ...rows.map((_, at) => ({ stroke: COLOURS[at % COLOURS.length], width: 2, points: { show: true, size: 6 } })),
    ],
  });
  return drawChart(host, options, [counts, ...lines]);
}

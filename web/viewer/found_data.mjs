/** Reads what a calibration found; it is checked, because a workflow may come from anyone. */

import { isFileName } from "../compare/data.js";
import { checkedWords } from "../parts/words.js";

const VERSION = 1;
const MOST_ROWS = 3;
const [MOST_IMAGES, MOST_LINES, MOST_COUNTS, LONGEST_TEXT] = [64, 32, 128, 400];

/**
 * @param {any} value
 * @returns {Found | null} null if it isn't one
 */
export function checkedFound(value) {
  if (value?.version !== VERSION || !Array.isArray(value.columns) || value.columns.length !== 3) return null;
  const { settings, lines } = value;
  const columns = value.columns.map((/** @type {any} */ column) => ({
    name: text(column?.name),
    files: list(column?.files, MOST_IMAGES).filter(isFileName),
    similarity: list(column?.similarity, MOST_IMAGES).filter(Number.isFinite),
  }));
  if (!columns.every((/** @type {any} */ { files }) => files.length && files.length === columns[0].files.length))
    return null;
  if (!Number.isInteger(settings?.steps) || !Number.isFinite(settings.cfg)) return null;
  return {
    subfolder: text(value.subfolder),
    lines: list(lines, MOST_LINES).map((line) => checkedWords(line)),
    gain: value.is_gain === true,
    settings: {
      steps: settings.steps,
      cfg: settings.cfg,
      sampler_name: text(settings.sampler_name),
      scheduler: text(settings.scheduler),
      byPlan: settings.by_plan === true,
    },
    columns,
    rows: rowsOf(value.curve),
  };
}

/**
 * The rows of the table over step counts; none if they don't all have the same counts.
 *
 * @param {unknown} value
 * @returns {FoundRow[]}
 */
function rowsOf(value) {
  const rows = list(value, MOST_ROWS).map((row) => ({
    name: text(row?.name),
    points: list(row?.points, MOST_COUNTS).map((point) => ({
      steps: point?.steps,
      finished: point?.finished,
      images: point?.images,
      mean: point?.mean_similarity,
      worst: point?.worst_similarity,
    })),
  }));
  const counts = (/** @type {FoundRow} */ { points }) => points.map(({ steps }) => steps).join();
  const sound = rows.every((row) => {
    const numbers = row.points.flatMap((point) => Object.values(point));
    return numbers.length && numbers.every(Number.isFinite) && counts(row) === counts(rows[0]);
  });
  return sound ? rows : [];
}

/**
 * @param {unknown} value
 * @param {number} most
 * @returns {any[]}
 */
const list = (value, most) => (Array.isArray(value) ? value.slice(0, most) : []);

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value.slice(0, LONGEST_TEXT) : "");

/**
 * Reads a comparison from Multi-Step Compare's output or from a saved workflow. Both are checked, because a workflow
 * may come from anyone.
 */

import { checkedWords, t } from "../parts/words.js";

const VERSION = 1;
const LONGEST_TEXT = 4000;
const MOST_ENTRIES = 1024;
const MOST_PLACES = 8;

/**
 * The part of a node's output that is saved with the workflow; null if it holds no comparison.
 *
 * @param {any} output
 */
export function fromOutput(output) {
  try {
    // A comparison of a workflow that ComfyUI has cached comes as one object.
    const { viewer, images } = output.viewer ? output : output.comparison[0];
    const sent = JSON.parse([viewer].flat()[0]);
    return { ...sent, grid: images?.[0] ?? null };
  } catch {
    return null;
  }
}

/**
 * A saved or sent value as a comparison; null if it isn't one.
 *
 * @param {any} value
 * @returns {Comparison | null}
 */
export function checked(value) {
  if (value?.version !== VERSION || !Array.isArray(value.series)) return null;
  const series = value.series
    .slice(0, MOST_ENTRIES)
    .map(checkedSeries)
    .filter((/** @type {any} */ entry) => entry !== null);
  if (!series.length) return null;
  return {
    subfolder: text(value.subfolder),
    headline: checkedWords(value.headline),
    images: Math.max(1, Math.trunc(number(value.images) ?? 1)),
    names: Array.isArray(value.names) ? value.names.slice(0, MOST_ENTRIES).map(text) : [],
    series,
    visible: number(value.visible?.below),
    grid: isFileName(value.grid?.filename)
      ? { filename: value.grid.filename, subfolder: text(value.grid.subfolder) }
      : null,
    notes: Array.isArray(value.notes)
      ? value.notes.slice(0, MOST_ENTRIES).map((/** @type {unknown} */ note) => checkedWords(note))
      : [],
    best: checkedBest(value.best, series),
    places: checkedPlaces(value.places),
  };
}

/**
 * The contender and the run to show first; those of the first contender in older workflows.
 *
 * @param {any} value
 * @param {Series[]} series
 * @returns {{ series: number, run: number }}
 */
function checkedBest(value, series) {
  const [place, steps] = Array.isArray(value) ? value : [];
  const run = series[place]?.runs.findIndex((one) => one.steps === steps && !one.checkedBy) ?? -1;
  return run >= 0 ? { series: place, run } : { series: 0, run: firstPair(series[0])[0] };
}

/**
 * @param {any} value
 * @returns {[string, string][]}
 */
function checkedPlaces(value) {
  const places = Array.isArray(value) ? value.slice(0, MOST_PLACES) : [];
  return places.filter((place) => Array.isArray(place)).map(([node, input]) => [text(node), text(input)]);
}

/**
 * @param {any} value
 * @returns {RunSettings | null}
 */
function checkedSettings(value) {
  const [seed, denoise] = [number(value?.seed), number(value?.denoise)];
  if (seed === null || denoise === null) return null;
  const [sampler_name, scheduler] = [text(value.sampler_name), text(value.scheduler)];
  return { seed, cfg: number(value.cfg), sampler_name, scheduler, denoise };
}

/**
 * @param {any} value
 * @returns {Series | null}
 */
function checkedSeries(value) {
  if (!Array.isArray(value?.runs)) return null;
  const runs = value.runs
    .slice(0, MOST_ENTRIES)
    .map(checkedRun)
    .filter((/** @type {any} */ run) => run !== null);
  const spot = value.sweet_spot ?? {};
  const check = checkedRun(value.check);
  return runs.length
    ? {
        name: text(value.name),
        headline: checkedWords(value.headline),
        next: number(value.next_count),
        settings: checkedSettings(value.settings),
        reference: number(value.reference) ?? runs[runs.length - 1].steps,
        sweetSpot: number(spot.steps),
        reason: checkedWords(spot.reason),
        confidence: text(spot.confidence),
        advice: checkedWords(spot.advice),
        // The check is shown like a run, after them.
        runs: check ? [...runs, { ...check, checkedBy: text(value.check.sampler) || "another solver" }] : runs,
      }
    : null;
}

/**
 * @param {any} value
 * @returns {Run | null}
 */
export function checkedRun(value) {
  const steps = number(value?.steps);
  if (steps === null || !Array.isArray(value.files)) return null;
  return {
    steps,
    seconds: number(value.seconds) ?? 0,
    similarity: number(value.similarity),
    modelCalls: number(value.model_calls) ?? 0,
    reused: value.reused === true,
    timing: text(value.timing),
    clip: isFileName(value.clip) ? value.clip : "",
    checkedBy: "",
    files: value.files.slice(0, MOST_ENTRIES).filter(isFileName),
    ofImages: Array.isArray(value.of_images)
      ? value.of_images.slice(0, MOST_ENTRIES).map((/** @type {unknown} */ of) => number(of) ?? 1)
      : [],
  };
}

/** @param {unknown} value */
export function isFileName(value) {
  return typeof value === "string" && value.length > 0 && value.length < 256 && !/[\\/]|\.\./.test(value);
}

/** @param {unknown} value */
function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value.slice(0, LONGEST_TEXT) : "";
}

/**
 * The path of an image on ComfyUI's own /view route.
 *
 * @param {string} filename
 * @param {string} subfolder
 */
export function viewPath(filename, subfolder) {
  return `/view?${new URLSearchParams({ filename, subfolder, type: "temp" })}`;
}

/**
 * The two runs to show first: the sweet spot and the reference. Without a sweet spot, or with one run only, the
 * reference and the check, or else the reference and the run before it.
 *
 * @param {Series} series
 * @returns {[number, number]} indices of the two runs
 */
export function firstPair({ runs, reference, sweetSpot }) {
  const second = Math.max(
    runs.findIndex((run) => run.steps === reference),
    0,
  );
  const check = runs.findIndex((run) => run.checkedBy);
  if (check >= 0 && (sweetSpot === null || runs.length === 2)) return [second, check];
  const spot = runs.findIndex((run) => run.steps === sweetSpot);
  // What is not enough is never chosen for the user.
  if (spot < 0 || spot === second) return [second, Math.max(second - 1, 0)];
  return [spot, second];
}

/**
 * How similar a run looks to the reference, in per cent; 100 is identical.
 *
 * @param {Run} run
 */
export function similarity(run) {
  return Math.max(0, (run.similarity ?? 0) * 100);
}

/** How a run's time came about, in words. @type {Record<string, (time: string) => string>} */
const TIMES = {
  sampling: (time) => time,
  "first run": (time) => t("run.first", "{time} (the model's first run)", { time }),
  node: (time) => t("run.node", "{time} (whole node)", { time }),
  estimated: (time) => t("run.estimated", "about {time}", { time }),
  unknown: () => t("run.unknown", "time unknown"),
};

/** @param {Run} run */
export function timeOf({ seconds }) {
  return `${seconds >= 10 ? seconds.toFixed(0) : seconds.toPrecision(2)} s`;
}

/**
 * A run's name: its step count, or that it is the check.
 *
 * @param {Run} run
 */
export function nameOfRun({ steps, checkedBy }) {
  return checkedBy ? t("run.check", "check") : t("run.steps", "{steps} step | {steps} steps", { steps });
}

/**
 * @param {Run} run
 * @param {Series} series
 */
export function describeRun(run, { reference }) {
  const name = run.checkedBy
    ? t("run.checkedBy", "check: {sampler}, {steps} step | check: {sampler}, {steps} steps", {
        sampler: run.checkedBy,
        steps: run.steps,
      })
    : nameOfRun(run);
  const time = (TIMES[run.timing] ?? TIMES.sampling)(timeOf(run));
  const parts = [name, run.reused ? t("run.reused", "{time} (earlier run)", { time }) : time];
  if (run.steps === reference && !run.checkedBy && run.similarity !== null)
    parts.push(t("run.reference", "the reference"));
  else if (run.similarity !== null)
    parts.push(
      t("run.similar", "{similarity} % similar to {reference}", { similarity: similarity(run).toFixed(1), reference }),
    );
  return parts.join(" · ");
}

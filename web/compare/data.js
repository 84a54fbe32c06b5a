/**
 * Reads a comparison from Multi-Step Compare's output or from a saved workflow. Both are checked, because a workflow
 * may come from anyone.
 */

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
    const { viewer, text, images } = output.viewer ? output : output.comparison[0];
    const sent = JSON.parse([viewer].flat()[0]);
    return { ...sent, grid: images?.[0] ?? null, text: [text ?? []].flat().join("\n") };
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
    images: Math.max(1, Math.trunc(number(value.images) ?? 1)),
    series,
    visible: number(value.visible?.below),
    grid: isFileName(value.grid?.filename)
      ? { filename: value.grid.filename, subfolder: text(value.grid.subfolder) }
      : null,
    text: text(value.text),
    places: checkedPlaces(value.places),
  };
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
        reference: number(value.reference) ?? runs[runs.length - 1].steps,
        sweetSpot: number(spot.steps),
        reason: text(spot.reason),
        confidence: text(spot.confidence),
        advice: text(spot.advice),
        // The check is shown like a run, after them.
        runs: check ? [...runs, { ...check, checkedBy: text(value.check.sampler) || "another solver" }] : runs,
      }
    : null;
}

/**
 * @param {any} value
 * @returns {Run | null}
 */
function checkedRun(value) {
  const steps = number(value?.steps);
  if (steps === null || !Array.isArray(value.files)) return null;
  return {
    steps,
    seconds: number(value.seconds) ?? 0,
    similarity: number(value.similarity) ?? 0,
    modelCalls: number(value.model_calls) ?? 0,
    reused: value.reused === true,
    timing: text(value.timing),
    clip: isFileName(value.clip) ? value.clip : "",
    checkedBy: "",
    files: value.files.slice(0, MOST_ENTRIES).filter(isFileName),
  };
}

/** @param {unknown} value */
function isFileName(value) {
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
 * reference and the check, or else the run before the reference and the reference.
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
  return [spot >= 0 && spot !== second ? spot : Math.max(second - 1, 0), second];
}

/**
 * How similar a run looks to the reference, in per cent; 100 is identical.
 *
 * @param {Run} run
 */
export function similarity(run) {
  return Math.max(0, run.similarity * 100);
}

/** How a run's time came about, in words. @type {Record<string, (time: string) => string>} */
const TIMES = {
  sampling: (time) => time,
  "first run": (time) => `${time} (the model's first run)`,
  node: (time) => `${time} (whole node)`,
  estimated: (time) => `about ${time}`,
  unknown: () => "time unknown",
};

/** @param {Run} run */
export function timeOf({ seconds }) {
  return `${seconds >= 10 ? seconds.toFixed(0) : seconds.toPrecision(2)} s`;
}

/**
 * @param {Run} run
 * @param {Series} series
 */
export function describeRun(run, { reference }) {
  const isReference = run.steps === reference && !run.checkedBy;
  const alike = isReference ? "the reference" : `${similarity(run).toFixed(1)} % similar to ${reference}`;
  const name = run.checkedBy ? `check: ${run.checkedBy}, ${run.steps} steps` : `${run.steps} steps`;
  const time = (TIMES[run.timing] ?? TIMES.sampling)(timeOf(run));
  return `${name} · ${time}${run.reused ? " (earlier run)" : ""} · ${alike}`;
}

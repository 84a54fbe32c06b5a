/** What a comparison shows while it runs: how far it is in words, and its finished images as a comparison so far. */

import { checkedRun } from "./data.js";
import { t } from "../parts/words.js";

/** The newest message about each node's comparison. @type {WeakMap<object, Progress>} */
const newest = new WeakMap();

/**
 * Remember what runs, and return it in words.
 *
 * @param {object} node
 * @param {Progress} progress
 */
export function progressText(node, progress) {
  newest.set(node, progress);
  const { steps, step, title, seconds_left, check } = progress;
  // A round that ends may be followed by another one, so don't promise an end.
  const left = seconds_left === null || seconds_left < 0.5 ? null : Math.round(seconds_left);
  const parts = [
    check
      ? t("live.checking", "Checking the largest count with another solver")
      : t("live.running", "Running {counts} steps", { counts: steps.join(", ") }),
    step === null ? title : t("live.step", "step {step} of {of}", { step, of: steps[0] }),
    left === null ? "" : t("live.left", "about {left} s left", { left }),
  ];
  return `${parts.filter(Boolean).join(" · ")}.`;
}

/**
 * Where a run stopped, in words; empty if nothing had run yet.
 *
 * @param {object} node
 */
export function whereStopped(node) {
  const progress = newest.get(node);
  newest.delete(node);
  if (!progress) return "";
  const counts = progress.steps.join(", ");
  return progress.title
    ? t("live.stoppedIn", "It stopped at {counts} steps, in {title}.", { counts, title: progress.title })
    : t("live.stopped", "It stopped at {counts} steps.", { counts });
}

/**
 * A comparison so far, with one more run. It has no verdict and no similarities.
 *
 * @param {Comparison | null} comparison null before the first run
 * @param {FinishedRun} message
 * @returns {Comparison | null} null if the message holds no run
 */
export function withRun(comparison, { contender, subfolder, run: sent }) {
  const run = checkedRun(sent);
  if (!run) return comparison;
  const before = comparison?.series ?? [];
  const series = before.some(({ name }) => name === contender)
    ? before.map((of) => (of.name === contender ? { ...of, runs: merged(of.runs, run) } : of))
    : [...before, { ...EMPTY, name: contender, runs: [run] }];
  const ranked = series.map((of) => ({ ...of, reference: of.runs[of.runs.length - 1].steps }));
  const images = Math.max(...ranked.flatMap(({ runs }) => runs.map(({ files }) => files.length)));
  return { ...NOTHING, subfolder, images, series: ranked };
}

/**
 * Runs by rising step count with one more, whose images come after those of the same count.
 *
 * @param {Run[]} runs
 * @param {Run} run
 */
function merged(runs, run) {
  const same = runs.find(({ steps }) => steps === run.steps);
  const others = runs.filter((each) => each !== same);
  const whole = same
    ? { ...same, files: [...same.files, ...run.files.filter((file) => !same.files.includes(file))] }
    : run;
  return [...others, whole].sort((left, right) => left.steps - right.steps);
}

/** @type {Series} */
const EMPTY = {
  name: "",
  headline: "",
  next: null,
  settings: null,
  reference: 0,
  sweetSpot: null,
  reason: "",
  confidence: "",
  advice: "",
  runs: [],
};
/** @type {Comparison} */
const NOTHING = {
  subfolder: "",
  headline: "",
  images: 1,
  names: [],
  series: [],
  visible: null,
  grid: null,
  notes: [],
  best: { series: 0, run: 0 },
  places: [],
};

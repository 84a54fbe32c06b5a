/** Where a step count lies: by the setting's common advice, or for the model at hand where it is known. */

export const MOST_SHOWN = 100;

/** @type {Record<Zone, string>} */
const WORDS = {
  few: "quick preview",
  good: "where most models live",
  more: "a bit more than most models need",
  many: "marginal gains for much time",
};

/** @type {Part[]} */
const COMMON = [
  { from: 1, to: 20, zone: "few" },
  { from: 20, to: 31, zone: "good" },
  { from: 31, to: 40, zone: "more" },
  { from: 40, to: MOST_SHOWN + 1, zone: "many" },
];

/**
 * The parts of the band, coloured for a model where it is known.
 *
 * @param {Answer | null} answer
 * @returns {Part[]}
 */
export function bandParts(answer) {
  const known = answer !== null && answer.confidence !== "unknown";
  if (!known) return COMMON;
  const [good, most, many] = boundsOf(answer.qualities);
  return joined([
    { from: 1, to: good, zone: "few" },
    { from: good, to: most + 1, zone: "good" },
    { from: most + 1, to: many, zone: "more" },
    { from: many, to: Math.max(MOST_SHOWN + 1, many + 1), zone: "many" },
  ]);
}

/**
 * The first and last count that are right for a model, and the first one that gains next to nothing: of a distilled one
 * the steps it was trained for, of others the common bands around what is recommended (20 and 30 are a fifth off 25).
 *
 * @param {Answer["qualities"]} qualities
 * @returns {[number, number, number]}
 */
function boundsOf({ draft, balanced, best }) {
  if (balanced.distilled) {
    const counts = [draft.steps, balanced.steps, best.steps, ...(balanced.trained_steps ?? [])];
    return [Math.min(...counts), Math.max(...counts), Math.max(...counts) + 1];
  }
  const [least, most] = [Math.min(balanced.steps, best.steps), Math.max(balanced.steps, best.steps)];
  return [Math.ceil(least * 0.8), Math.floor(most * 1.2), Math.max(Math.round(most * 1.6), Math.floor(most * 1.2) + 1)];
}

/** @param {Part[]} parts */
function joined(parts) {
  return parts.filter((part) => part.to > part.from);
}

/**
 * What a step count means, in words.
 *
 * @param {number} steps
 * @param {Answer | null} answer
 * @returns {{ zone: Zone, text: string }}
 */
export function describeSteps(steps, answer) {
  const parts = bandParts(answer);
  const zone = parts.find((part) => steps >= part.from && steps < part.to)?.zone ?? "many";
  if (!answer || answer.confidence === "unknown") return { zone, text: `${steps} steps: ${commonWords(steps, zone)}` };
  const name = answer.name || "this model";
  const { balanced } = answer.qualities;
  const [low, high] = boundsOf(answer.qualities);
  const wants = low === high ? `${low}` : `${low} to ${high}`;
  const text = {
    few: balanced.distilled
      ? `fewer than ${name} was trained for (${wants})`
      : `a quick preview; for a final image ${name} wants ${wants}`,
    good: `right for ${name} (${wants})`,
    more: `a bit more than ${name} needs (${wants})`,
    many: balanced.distilled
      ? `more do not help ${name}, which is distilled for ${wants}`
      : `marginal gains for much time; ${name} wants ${wants}`,
  }[zone];
  return { zone, text: `${steps} steps: ${text}` };
}

/**
 * @param {number} steps
 * @param {Zone} zone
 */
function commonWords(steps, zone) {
  return zone === "few" && steps > 10 ? "between a preview and a final image" : WORDS[zone];
}

/**
 * Where a count stands on the band, from 0 to 1: few steps are spread, as there each one counts.
 *
 * @param {number} steps
 */
export function placeOf(steps) {
  const most = Math.log2(MOST_SHOWN + 1);
  return Math.min(Math.max(Math.log2(Math.max(steps, 1)) / most, 0), 1);
}

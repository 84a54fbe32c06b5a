/** Turns the server's answer about a model into the badge's texts. */

import { say, t } from "../parts/words.js";

export const QUALITIES = ["draft", "balanced", "best"];

/**
 * The badge for an answer: what was recognised, how certain that is, steps for each quality, sources and warnings.
 *
 * @param {Answer} answer
 * @param {string} quality
 * @param {string} [problem] why the file itself could not be read
 * @returns {Badge}
 */
export function toBadge(answer, quality, problem = "") {
  const plan = planOf(answer, quality);
  const recognised = answer.name !== "" || answer.confidence === "certain";
  const counts = QUALITIES.map((name) => ({
    quality: name,
    steps: planOf(answer, name).steps,
    chosen: name === quality,
    source: planOf(answer, name).sources.steps ?? "",
  }));
  const contradicted = isChosen(answer) && answer.contradictions.length > 0;
  const all = new Set(counts.map(({ steps }) => steps)).size === 1;
  return {
    title: answer.name || (recognised ? answer.files[0] : t("badge.unknown", "Model not recognised")),
    confidence: answer.confidence,
    sure: !answer.required && !contradicted && (answer.confidence === "certain" || answer.confidence === "likely"),
    sentence: sentenceFor(answer),
    counts: all ? [{ ...counts[1], quality: t("badge.every", "every quality"), chosen: true }] : counts,
    settings: settingsLine(plan),
    details: [
      ...answer.signals.map((signal) => t("badge.foundBy", "found by {signal}", { signal: say(signal) })),
      ...Object.entries(plan.sources).map(([name, source]) => `${name}${valueText(plan, name)}: ${source}`),
      ...(answer.alternatives.length
        ? [t("badge.alternatives", "could also be: {names}", { names: answer.alternatives.slice(0, 6).join(", ") })]
        : []),
      ...(answer.note ? [answer.note] : []),
    ],
    warnings: [...(problem ? [problem] : []), ...[...answer.contradictions, ...plan.warnings].map(say)],
  };
}

/** @param {Answer} answer */
const isChosen = ({ signals }) => signals.some((signal) => /** @type {any} */ (signal).code === "signal.chosen");

/** @param {Answer} answer */
function sentenceFor(answer) {
  const { confidence, required, name } = answer;
  if (isChosen(answer) && answer.contradictions.length)
    return t("badge.against", "You chose this, but the connected model looks like another one.");
  if (isChosen(answer)) return t("badge.chosen", "You chose this; these settings are made for it.");
  if (required)
    return t("badge.required", "Not as sure as min_confidence asks, so these are the safe settings for any model.");
  if (confidence === "certain") return t("badge.certain", "This model is known; these settings are made for it.");
  if (confidence === "likely") return t("badge.likely", "Most likely this model, so these settings should suit it.");
  if (confidence === "family only")
    return t("badge.family", "A model of this kind that I don't know by name; using the settings of {name}.", { name });
  return t("badge.safe", "I don't know this model. 25 steps are safe for any that isn't made for few steps.");
}

/**
 * @param {Answer} answer
 * @param {string} quality
 */
export function planOf(answer, quality) {
  return answer.qualities[quality] ?? answer.qualities.balanced;
}

/**
 * The value of a setting, for a list of sources; empty if the settings' line shows it or there is none.
 *
 * @param {QualityPlan} plan
 * @param {string} name
 */
function valueText(plan, name) {
  if (name === "resolution" && plan.resolution) return ` ${plan.resolution.join(" × ")}`;
  if (name === "clip_skip" && plan.clip_skip) return ` ${plan.clip_skip}`;
  return name === "split" && plan.split_step ? ` at step ${plan.split_step}` : "";
}

/**
 * Whether a setting is the stock nodes' default, because nobody recommends any for this model.
 *
 * @param {{ sources?: Record<string, string> }} plan
 * @param {string} name
 */
const isStock = (plan, name) => Boolean(plan.sources?.[name]?.startsWith("stock default"));

/** @param {Partial<QualityPlan>} plan */
export function settingsLine(plan) {
  const { steps, cfg, sampler_name, scheduler, guidance, clip_skip } = plan;
  const text = (/** @type {string} */ name, /** @type {string} */ value) =>
    isStock(plan, name) ? t("badge.stock", "{value} (stock default)", { value }) : value;
  const parts = [
    t("run.steps", "{steps} step | {steps} steps", { steps }),
    text("cfg", cfg === 1 ? t("badge.cfgOff", "cfg off") : `cfg ${cfg}`),
    `${text("sampler_name", String(sampler_name))} · ${text("scheduler", String(scheduler))}`,
  ];
  if (guidance) parts.push(`guidance ${guidance}`);
  // Without these, some models give poor images at any step count.
  if (clip_skip && clip_skip > 1) parts.push(`clip skip ${clip_skip}`);
  return parts.join(" · ");
}

/**
 * The settings of a plan that nodes have widgets for. Those that nobody recommends are left as they are.
 *
 * @param {QualityPlan} plan
 */
export function settingsOf(plan) {
  const { steps, guidance, split_step } = plan;
  const named = /** @type {const} */ (["cfg", "sampler_name", "scheduler"]);
  const recommended = named.map((name) => [name, isStock(plan, name) ? null : plan[name]]);
  return { steps, ...Object.fromEntries(recommended), guidance, split_step };
}

/** Turns the server's answer about a model into the badge's texts. */

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
  return {
    title: answer.name || (recognised ? answer.files[0] : "Model not recognised"),
    confidence: answer.confidence,
    sure: !answer.required && (answer.confidence === "certain" || answer.confidence === "likely"),
    counts: QUALITIES.map((name) => ({
      quality: name,
      steps: planOf(answer, name).steps,
      chosen: name === quality,
      source: planOf(answer, name).sources.steps ?? "",
    })),
    settings: settingsLine(plan),
    details: [
      ...answer.signals.map((signal) => `found by ${signal}`),
      ...Object.entries(plan.sources).map(([name, source]) => `${name}: ${source}`),
      ...(answer.alternatives.length ? [`could also be: ${answer.alternatives.slice(0, 6).join(", ")}`] : []),
      ...(answer.note ? [answer.note] : []),
    ],
    warnings: [...(problem ? [problem] : []), ...answer.contradictions, ...plan.warnings],
  };
}

/**
 * @param {Answer} answer
 * @param {string} quality
 */
export function planOf(answer, quality) {
  return answer.qualities[quality] ?? answer.qualities.balanced;
}

/** @param {Pick<QualityPlan, "steps" | "cfg" | "sampler_name" | "scheduler"> & { guidance?: number | null }} plan */
export function settingsLine({ steps, cfg, sampler_name, scheduler, guidance }) {
  const parts = [`${steps} steps`, cfg === 1 ? "cfg off" : `cfg ${cfg}`, `${sampler_name} · ${scheduler}`];
  if (guidance) parts.push(`guidance ${guidance}`);
  return parts.join(" · ");
}

/**
 * The settings of a plan that nodes have widgets for.
 *
 * @param {QualityPlan} plan
 */
export function settingsOf({ steps, cfg, sampler_name, scheduler, guidance, split_step }) {
  return { steps, cfg, sampler_name, scheduler, guidance, split_step };
}

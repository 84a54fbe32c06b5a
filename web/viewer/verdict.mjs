/** The verdict above the images: the headline, the numbers that it rests on, and the reasons. */

import { similarity } from "../compare/data.js";
import { make } from "../parts/panel.js";
import { say, t } from "../parts/words.js";

export class VerdictView {
  constructor() {
    // Read aloud when it changes.
    this.headline = make("div", { className: "ss-headline", role: "status" });
    this.facts = make("summary", { className: "ss-facts", title: t("verdict.why", "Why, and notes") });
    this.why = make("div", { className: "ss-why" });
    const details = make("details", {}, this.facts, this.why);
    this.element = make("div", { className: "ss-verdict" }, this.headline, details);
  }

  /**
   * @param {Comparison} comparison
   * @param {Series} series the selected one
   */
  show(comparison, series) {
    const several = comparison.series.length > 1;
    const overall = several && series === comparison.series[comparison.best.series] && say(comparison.headline);
    const headline = overall || say(series.headline) || say(series.reason);
    const shown = several && !overall && headline ? `${series.name}: ${headline}` : headline;
    // A live region speaks at each change, so don't touch it without one.
    if (this.headline.textContent !== shown) this.headline.textContent = shown;
    this.facts.textContent = factsOf(comparison, series);
    this.why.textContent = [series.reason, series.advice, ...comparison.notes].map(say).filter(Boolean).join("\n");
    this.element.hidden = !headline;
  }
}

/**
 * The numbers of a verdict in one line, all of one measure.
 *
 * @param {Comparison} comparison
 * @param {Series} series
 */
export function factsOf({ visible, images }, series) {
  const { sweetSpot, reference, runs, confidence } = series;
  const spot = runs.find((run) => run.steps === sweetSpot && !run.checkedBy);
  const check = runs.find((run) => run.checkedBy);
  const percent = (/** @type {Run} */ run) => similarity(run).toFixed(1);
  const parts = [t("verdict.confidence", "Confidence: {confidence}", { confidence: sureness(confidence) })];
  if (spot && spot.steps !== reference)
    parts.push(
      t("verdict.alike", "{similarity} % like {reference}", {
        reference,
        similarity: percent(spot),
      }),
    );
  if (check) parts.push(t("verdict.check", "check {similarity} %", { similarity: percent(check) }));
  if (visible !== null)
    parts.push(t("verdict.visible", "alike from {visible} %", { visible: +(visible * 100).toFixed(1) }));
  if (images > 1) parts.push(t("verdict.images", "{images} images per count", { images }));
  if (sweetSpot === null)
    parts.push(t("verdict.output", "the output sweet_spot gives {reference}, the reference", { reference }));
  return confidence ? parts.join(" · ") : "";
}

/** @param {string} confidence */
function sureness(confidence) {
  if (confidence === "high") return t("verdict.high", "high");
  if (confidence === "medium") return t("verdict.medium", "medium");
  return confidence === "low" ? t("verdict.low", "low") : confidence;
}

/** The blind test: two halves without labels, until it is known which differences this person sees. */

import { EQUAL_EVERY, MOST_TRIALS, ThresholdSearch, blendFor } from "./threshold_search.mjs";
import { button } from "../parts/controls.js";
import { make } from "../parts/panel.js";
import { t } from "../parts/words.js";

/** Blends of images that are less alike don't follow `blendFor`, because the measure is near its end there. */
const LEAST_ALIKE = 0.7;

export class BlindTest {
  /**
   * @param {Comparison} comparison
   * @param {(run: Run, image: number) => string} addressOf
   * @param {(percent: number) => boolean} setThreshold
   * @param {() => number} chance a number from 0 to 1
   */
  constructor(comparison, addressOf, setThreshold, chance = Math.random) {
    this.setThreshold = setThreshold;
    this.addressOf = addressOf;
    this.chance = chance;
    this.pairs = pairsOf(comparison);
    this.usual = comparison.visible ?? 0.895;
    this.search = new ThresholdSearch(this.usual);
    /** Which of the trials show equal images. */
    this.equalAt = Math.floor(chance() * EQUAL_EVERY);
    this.shown = 0;
    this.halves = [0, 1].map(() => make("div", { className: "ss-half" }));
    this.question = make("div", { className: "ss-row ss-question" });
    this.element = make(
      "div",
      { className: "ss-blind" },
      make("div", { className: "ss-halves" }, ...this.halves),
      this.question,
    );
    this.next();
  }

  next() {
    if (!this.pairs.length) {
      const why = t("blind.noPair", "The test needs images that differ a little: compare more step counts in between.");
      this.question.replaceChildren(why);
      return;
    }
    // Blends can only be more alike than the images themselves.
    const least = Math.min(...this.pairs.map(({ similarity }) => similarity));
    const guess = this.search.threshold + (this.chance() - 0.5) * 2 * this.search.doubt;
    const wanted = Math.min(Math.max(guess, least), 0.999);
    const possible = this.pairs
      .map((pair) => ({ ...pair, blend: blendFor(pair.similarity, wanted) }))
      .filter(({ blend }) => blend !== null);
    const pair = possible[Math.floor(this.chance() * possible.length)];
    this.shown = wanted;
    const reference = this.addressOf(pair.reference, pair.image);
    const changed = make("img", { src: this.addressOf(pair.run, pair.image), alt: "" });
    changed.style.opacity = this.isEqual ? "0" : String(pair.blend);
    const [one, other] = this.chance() < 0.5 ? this.halves : [...this.halves].reverse();
    one.replaceChildren(make("img", { src: reference, alt: "" }));
    other.replaceChildren(make("img", { src: reference, alt: "" }), changed);
    this.question.replaceChildren(
      t("blind.which", "Which half looks better? If they look alike: Same. ({trial} of at most {most})", {
        trial: this.search.trials + 1,
        most: MOST_TRIALS,
      }),
      button({ onclick: () => this.answer(true) }, t("blind.left", "Left")),
      button({ onclick: () => this.answer(false) }, t("blind.same", "Same")),
      button({ onclick: () => this.answer(true) }, t("blind.right", "Right")),
    );
  }

  get isEqual() {
    return this.search.trials % EQUAL_EVERY === this.equalAt;
  }

  /** @param {boolean} different */
  answer(different) {
    if (this.isEqual) this.search.answerEqual(different);
    else this.search.answer(this.shown, different);
    if (this.search.done) this.finish();
    else this.next();
  }

  finish() {
    this.halves.forEach((half) => half.replaceChildren());
    const percent = Math.round(this.search.threshold * 1000) / 10;
    if (this.search.guesses) {
      this.question.replaceChildren(
        t("blind.guesses", "You also chose a side where both halves were the same image, so the answers show nothing."),
      );
      return;
    }
    const status = make("span", { className: "ss-said", role: "status" });
    const onclick = () => {
      status.textContent = this.setThreshold(percent)
        ? t("blind.set", "Compare Options now has a threshold of {percent} %.", { percent })
        : t("blind.linked", "The threshold of Compare Options is linked.");
    };
    const values = { percent, usual: Math.round(this.usual * 1000) / 10 };
    const result = this.search.seen
      ? t(
          "blind.result",
          "You see differences below a similarity of {percent} %. Comparisons now use {usual} %.",
          values,
        )
      : t(
          "blind.none",
          "You saw no difference, down to a similarity of {percent} %. Comparisons now use {usual} %.",
          values,
        );
    this.question.replaceChildren(
      result,
      button({ className: "ss-primary", onclick }, t("blind.use", "Use this threshold")),
      status,
    );
  }
}

/**
 * Every image of a comparison beside that of its reference, with how similar they are.
 *
 * @param {Comparison} comparison
 */
function pairsOf({ series }) {
  return series.flatMap(({ runs, reference }) => {
    const end = runs.find((run) => run.steps === reference && !run.checkedBy);
    if (!end) return [];
    return runs
      .filter((run) => run !== end && !run.checkedBy)
      .flatMap((run) => run.ofImages.map((similarity, image) => ({ run, reference: end, image, similarity })))
      .filter(
        ({ run, image, similarity }) => similarity > LEAST_ALIKE && similarity < 0.999 && image < run.files.length,
      );
  });
}

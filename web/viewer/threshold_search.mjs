/**
 * Finds the similarity below which a person sees a difference, from answers "different" or "same" about pairs whose
 * similarity is chosen one after another (a Bayesian adaptive procedure as in Watson & Pelli, "QUEST", 1983).
 */

export const MOST_TRIALS = 40;
/** One of this many pairs are two equal images: whoever sees a difference there is guessing. */
export const EQUAL_EVERY = 6;
/** So many differences seen in equal images can't be slips. */
const MOST_IMAGINED = 1;
const [LOWEST, HIGHEST, GRAIN] = [0.7, 0.999, 0.001];
/** How gradually a person's answers change around the threshold, as the scale of a logistic curve. */
const SPREAD = 0.006;
/** The share of answers that have nothing to do with the pictures. */
const LAPSES = 0.04;
/** The search ends once the threshold is known to this standard deviation. */
const SURE = 0.003;
/** Similarity falls with this power of a difference's strength: see comparison/measures/visibility.py. */
const EXPONENT = 0.72;

export class ThresholdSearch {
  /** @param {number} expected where to begin, e.g. the threshold in use */
  constructor(expected) {
    this.trials = 0;
    this.seen = 0;
    this.imagined = 0;
    this.grid = Array.from({ length: Math.round((HIGHEST - LOWEST) / GRAIN) + 1 }, (_, at) => LOWEST + at * GRAIN);
    // Broad, so that any threshold can be found.
    this.weights = normalised(this.grid.map((at) => Math.exp(-(((at - expected) / 0.08) ** 2) / 2) + 0.02));
  }

  /** The best guess of the threshold, 0 to 1. */
  get threshold() {
    return this.grid.reduce((sum, at, index) => sum + at * this.weights[index], 0);
  }

  /** The standard deviation of the guess. */
  get doubt() {
    const middle = this.threshold;
    return Math.sqrt(this.grid.reduce((sum, at, index) => sum + (at - middle) ** 2 * this.weights[index], 0));
  }

  /** Whether the answers say nothing about the images. */
  get guesses() {
    return this.imagined > MOST_IMAGINED;
  }

  get done() {
    return this.trials >= MOST_TRIALS || (this.trials >= 12 && this.doubt < SURE);
  }

  /**
   * @param {number} shown the similarity of the pair
   * @param {boolean} different whether it looked different
   */
  answer(shown, different) {
    this.trials++;
    if (different) this.seen++;
    const likely = this.grid.map((threshold) => {
      const sees = LAPSES / 2 + (1 - LAPSES) / (1 + Math.exp(-(threshold - shown) / SPREAD));
      return different ? sees : 1 - sees;
    });
    this.weights = normalised(this.weights.map((weight, at) => weight * likely[at]));
  }

  /** @param {boolean} different whether two equal images looked different */
  answerEqual(different) {
    this.trials++;
    if (different) this.imagined++;
  }
}

/** @param {number[]} weights */
function normalised(weights) {
  const sum = weights.reduce((left, right) => left + right, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * How strongly to blend an image into its reference so that the two have this similarity; null if it's more alike.
 *
 * @param {number} similarity of the image and its reference
 * @param {number} wanted
 */
export function blendFor(similarity, wanted) {
  const share = (1 - wanted) / (1 - similarity);
  return share > 0 && share <= 1 ? share ** (1 / EXPONENT) : null;
}

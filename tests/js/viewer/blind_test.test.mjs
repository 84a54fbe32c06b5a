import assert from "node:assert/strict";
import { test } from "node:test";
import { EQUAL_EVERY, MOST_TRIALS, ThresholdSearch, blendFor } from "../../../web/viewer/threshold_search.mjs";

/** Random numbers from 0 to 1 that are the same in each run. */
function numbers(seed) {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

/** Ask a simulated person, who sees differences below `threshold`, and wrongly answers one time in `slips`. */
function found(threshold, seed, { spread = 0.004, slips = 40 } = {}) {
  const chance = numbers(seed);
  const search = new ThresholdSearch(0.895);
  while (!search.done) {
    if (search.trials % EQUAL_EVERY === 2) {
      search.answerEqual(chance() < 1 / slips);
      continue;
    }
    const shown = Math.min(search.threshold + (chance() - 0.5) * 2 * search.doubt, 0.999);
    const sees = chance() < 1 / (1 + Math.exp(-(threshold - shown) / spread));
    search.answer(shown, chance() < 1 / slips ? !sees : sees);
  }
  assert.ok(search.trials <= MOST_TRIALS);
  return search.threshold;
}

for (const threshold of [0.8, 0.85, 0.895, 0.94, 0.98]) {
  test(`a person who sees differences below ${threshold} is known to within 0.01`, () => {
    const errors = Array.from({ length: 40 }, (_, seed) => Math.abs(found(threshold, 100 + 7919 * seed) - threshold));
    errors.sort((left, right) => left - right);
    // Nineteen of twenty; whoever slips early may be a little further off.
    assert.ok(errors[37] <= 0.01, `${errors[37]}`);
    assert.ok(errors[39] <= 0.03, `${errors[39]}`);
  });
}

test("whoever sees differences between equal images is guessing; one slip is none", () => {
  const search = new ThresholdSearch(0.895);
  search.answerEqual(true);
  search.answerEqual(false);
  assert.equal(search.guesses, false);
  search.answerEqual(true);
  assert.equal(search.guesses, true);
  assert.equal(search.trials, 3);
});

test("always the same side is found out before the test can end", () => {
  const search = new ThresholdSearch(0.895);
  while (!search.done) {
    if (search.trials % EQUAL_EVERY === 5) search.answerEqual(true);
    else search.answer(search.threshold, true);
  }
  assert.ok(search.guesses);
});

test("a person who never slips is always known", () => {
  for (let seed = 1; seed < 40; seed++) {
    const options = { spread: 0.001, slips: 1e9 };
    assert.ok(Math.abs(found(0.91, seed * 104729, options) - 0.91) <= 0.01);
  }
});

test("a blend is as similar as wanted, by the law that the measure follows", () => {
  assert.equal(blendFor(0.8, 0.8), 1);
  assert.ok(Math.abs(blendFor(0.8, 0.9) - 0.5 ** (1 / 0.72)) < 1e-12);
  assert.equal(blendFor(0.9, 0.8), null);
});

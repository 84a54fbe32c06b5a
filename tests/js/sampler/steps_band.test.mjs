import assert from "node:assert/strict";
import test from "node:test";
import { bandParts, describeSteps, MOST_SHOWN, placeOf } from "../../../web/sampler/steps_band.js";

const plan = (steps, more = {}) => ({ steps, distilled: false, trained_steps: null, ...more });
const answer = (draft, balanced, best, more = {}) => ({
  name: "A model",
  confidence: "certain",
  qualities: { draft: plan(draft, more), balanced: plan(balanced, more), best: plan(best, more) },
});
const zone = (steps, of) => describeSteps(steps, of).zone;

// The advice that the setting's own guide gives.
for (const [steps, expected] of [
  [1, "few"],
  [10, "few"],
  [20, "good"],
  [25, "good"],
  [30, "good"],
  [40, "many"],
  [100, "many"],
  [5000, "many"],
]) {
  test(`without a model ${steps} steps are ${expected}`, () => assert.equal(zone(steps, null), expected));
}

test("a model that wants 25 has the common bands", () => {
  const ordinary = answer(12, 25, 25);
  for (const steps of [5, 20, 30, 35, 40, 60]) assert.equal(zone(steps, ordinary), zone(steps, null));
});

test("a model that wants 50 makes 25 a preview", () => {
  assert.equal(zone(25, answer(20, 50, 50)), "few");
  assert.equal(zone(50, answer(20, 50, 50)), "good");
});

test("a distilled model is right within its trained steps only", () => {
  const turbo = answer(1, 1, 4, { distilled: true, trained_steps: [1, 4] });
  for (const steps of [1, 2, 4]) assert.equal(zone(steps, turbo), "good");
  assert.equal(zone(8, turbo), "many");
  assert.match(describeSteps(25, turbo).text, /do not help A model/);
});

test("what is not known gets the common advice, not the model's", () => {
  const unknown = { ...answer(1, 25, 25), confidence: "unknown" };
  assert.deepEqual(bandParts(unknown), bandParts(null));
  assert.doesNotMatch(describeSteps(25, unknown).text, /A model/);
});

test("the parts follow each other without a gap, from 1 to past the end", () => {
  for (const of of [
    null,
    answer(12, 25, 25),
    answer(1, 4, 8, { distilled: true }),
    answer(1, 1, 1, { distilled: true }),
    answer(50, 200, 400),
  ]) {
    const parts = bandParts(of);
    assert.equal(parts[0].from, 1);
    assert.ok(parts.at(-1).to > MOST_SHOWN);
    parts.slice(1).forEach((part, at) => assert.equal(part.from, parts[at].to));
  }
});

test("places rise from 0 to 1 and stay there", () => {
  assert.equal(placeOf(1), 0);
  assert.equal(placeOf(0), 0);
  assert.equal(placeOf(10_000), 1);
  assert.ok(placeOf(10) > placeOf(5) && placeOf(5) > placeOf(2));
});

import assert from "node:assert/strict";
import test from "node:test";
import { placeOf, zoneOf } from "../../../web/sampler/steps_band.js";

const zones = [
  { first: 1, last: 19, name: "few", text: "few" },
  { first: 20, last: 30, name: "good", text: "good" },
  { first: 31, last: 100, name: "many", text: "many" },
];

for (const [steps, name] of [
  [1, "few"],
  [19, "few"],
  [20, "good"],
  [30, "good"],
  [31, "many"],
  [5000, "many"],
]) {
  test(`${steps} steps are in the zone ${name}`, () => assert.equal(zoneOf(steps, zones).name, name));
}

test("without an answer there is no zone", () => assert.equal(zoneOf(25, []), undefined));

test("places rise from 0 to 1 and stay there", () => {
  assert.equal(placeOf(1), 0);
  assert.equal(placeOf(0), 0);
  assert.equal(placeOf(10_000), 1);
  assert.ok(placeOf(10) > placeOf(5) && placeOf(5) > placeOf(2));
});

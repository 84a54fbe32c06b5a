import assert from "node:assert/strict";
import { test } from "node:test";
import { branchText, whereStopped } from "../../../web/compare/branches.js";

const branch = { node: "7", prompt_id: "p", steps: 25, place: 2, of: 3, title: "KSampler", seconds_left: 12.3 };

test("says which count runs, and how long it will take", () => {
  assert.equal(branchText({}, branch), "Running 25 steps (2 of 3, about 12 s left): KSampler");
  assert.equal(branchText({}, { ...branch, seconds_left: null }), "Running 25 steps (2 of 3): KSampler");
});

test("says once where a run stopped", () => {
  const node = {};
  branchText(node, branch);
  assert.equal(whereStopped(node), " (it stopped at 25 steps, in KSampler)");
  assert.equal(whereStopped(node), "");
});

import assert from "node:assert/strict";
import test from "node:test";
import { describeProgress } from "../../../web/sampler/trace_series.js";

const cases = [
  [
    { node: "1", step: 12, steps: 25, sigma: 0.52, cfg: 3, change: 0.0123, seconds_left: 4.26 },
    "step 12 of 25 · σ 0.52 · cfg 3 · change 1.2 % · 4.3 s left",
  ],
  [
    { node: "1", step: 1, steps: 4, sigma: 14.614641, cfg: 1, change: null, seconds_left: null },
    "step 1 of 4 · σ 14.6 · no guidance",
  ],
  [
    { node: "1", step: 2, steps: 2, sigma: 0, cfg: null, change: 0, seconds_left: 0 },
    "step 2 of 2 · σ 0 · change 0.0 % · 0.0 s left",
  ],
];

for (const [message, line] of cases) test(line, () => assert.equal(describeProgress(message), line));

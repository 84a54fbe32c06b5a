import assert from "node:assert/strict";
import test from "node:test";
import { columns, emptySeries, fromTrace, guidedStretches, withMessage } from "../../../web/sampler/trace_series.js";

const message = (step, more = {}) => ({ step, steps: 4, change: step === 1 ? null : 0.5, cfg: 3, ...more });

test("messages make a line, and a new run begins a new one", () => {
  const run = [1, 2, 4].reduce((series, step) => withMessage(series, message(step)), emptySeries());
  assert.deepEqual(columns(run), [
    [1, 2, 4],
    [null, 50, 50],
  ]);
  assert.deepEqual(withMessage(run, message(1)).points.length, 1);
  assert.deepEqual(withMessage(run, message(5, { steps: 8 })).points.length, 1);
});

test("a trace tells the kept steps, also one whose change is not known", () => {
  const steps = [1, 2, 3].map((step) => ({ step, change: step === 1 ? null : 0.1 * step, cfg: 1 }));
  const series = fromTrace(JSON.stringify({ steps, steps_scheduled: 4, kept: [1, 3] }));
  assert.equal(series.steps, 4);
  assert.deepEqual(series.kept, [1, 3]);
  assert.equal(columns(series)[1][0], null);
});

test("what is no trace is none", () => {
  for (const bad of ["", "{", "null", "[]", '{"steps": 4}']) assert.equal(fromTrace(bad), null);
});

test("guidance is on where cfg is not 1", () => {
  const points = [3, 1, 1, 2, 2, null, 4].map((cfg, at) => ({ step: at + 1, change: null, cfg }));
  assert.deepEqual(guidedStretches(points), [
    [1, 1],
    [4, 5],
    [7, 7],
  ]);
});

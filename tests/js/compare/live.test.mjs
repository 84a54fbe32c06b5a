import assert from "node:assert/strict";
import { test } from "node:test";
import { progressText, whereStopped, withRun } from "../../../web/compare/live.js";

const progress = { node: "7", prompt_id: "p", steps: [25], step: 12, title: "", seconds_left: 12.3 };

test("says which count runs, how far it is, and how long it will take", () => {
  assert.equal(progressText({}, progress), "Running 25 steps · step 12 of 25 · about 12 s left.");
  const branch = { ...progress, step: null, title: "VAE Decode", seconds_left: null };
  assert.equal(progressText({}, branch), "Running 25 steps · VAE Decode.");
  assert.equal(progressText({}, { ...branch, steps: [4, 25], title: "" }), "Running 4, 25 steps.");
});

test("says once where a run stopped", () => {
  const node = {};
  progressText(node, { ...progress, title: "KSampler" });
  assert.equal(whereStopped(node), "It stopped at 25 steps, in KSampler.");
  assert.equal(whereStopped(node), "");
});

const finished = (contender, steps, file) => ({
  node: "7",
  prompt_id: "p",
  contender,
  subfolder: "sweetspot",
  run: { steps, seconds: 1, model_calls: steps, similarity: null, timing: "sampling", files: [file] },
});

test("finished runs become tabs in rising order, one list for each contender", () => {
  const messages = [finished("a", 50, "x.png"), finished("a", 4, "y.png"), finished("b", 4, "z.png")];
  const { series, subfolder } = messages.reduce(withRun, null);
  assert.equal(subfolder, "sweetspot");
  assert.deepEqual(
    series.map(({ name, runs, reference }) => [name, runs.map(({ steps }) => steps), reference]),
    [
      ["a", [4, 50], 50],
      ["b", [4], 4],
    ],
  );
  assert.equal(series[0].sweetSpot, null);
});

test("another seed of the same count adds its images", () => {
  const { series, images } = [finished("a", 4, "x.png"), finished("a", 4, "y.png"), finished("a", 4, "y.png")].reduce(
    withRun,
    null,
  );
  assert.deepEqual(series[0].runs[0].files, ["x.png", "y.png"]);
  assert.equal(images, 2);
});

test("a message without a run changes nothing", () => {
  const before = withRun(null, finished("a", 4, "x.png"));
  assert.equal(withRun(before, { ...finished("a", 4, "x.png"), run: { steps: "4" } }), before);
});

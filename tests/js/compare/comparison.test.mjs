import assert from "node:assert/strict";
import test from "node:test";
import { aligned } from "../../../web/viewer/curve.mjs";
import {
  checked,
  describeRun,
  firstPair,
  fromOutput as sentBy,
  similarity,
  viewPath,
} from "../../../web/compare/data.js";
import { factsOf } from "../../../web/viewer/verdict.mjs";
import { fitted, MOST_SCALE, panned, pixelScale, zoomed } from "../../../web/viewer/view_transform.mjs";

const fromOutput = (from) => checked(sentBy(from));
const run = (steps, similarity, seconds = steps / 10) => ({
  steps,
  seconds,
  similarity,
  model_calls: steps,
  files: [`${steps}.png`],
});
const sent = {
  version: 1,
  subfolder: "sweetspot",
  images: 1,
  series: [
    {
      name: "euler",
      reference: 50,
      sweet_spot: { steps: 25, reason: "enough", confidence: "high" },
      runs: [run(4, 0.7), run(25, 0.99), run(50, 1)],
    },
    {
      name: "heun",
      reference: 50,
      sweet_spot: { steps: null, reason: "none", confidence: "low" },
      runs: [run(4, 0.8, 1), run(50, 1, 9)],
    },
  ],
};
const output = (viewer) => ({
  viewer: [JSON.stringify(viewer)],
  images: [{ filename: "grid.png", subfolder: "", type: "temp" }],
});

test("what was sent is what a saved workflow gives back", () => {
  const comparison = fromOutput(output(sent));
  assert.equal(comparison.series[0].sweetSpot, 25);
  assert.equal(comparison.grid.filename, "grid.png");
  assert.deepEqual(checked(JSON.parse(JSON.stringify(sentBy(output(sent))))), comparison);
});

for (const broken of [
  null,
  undefined,
  7,
  "x",
  [],
  {},
  { version: 2, series: [] },
  { version: 1, series: {} },
  { version: 1, series: [{}] },
  { version: 1, series: [{ runs: [{ steps: "4" }] }] },
]) {
  test(`a workflow's ${JSON.stringify(broken)} is no comparison`, () => assert.equal(checked(broken), null));
}

test("outputs that are none give nothing", () => {
  for (const bad of [null, {}, { viewer: [] }, { viewer: ["{"] }]) assert.equal(fromOutput(bad), null);
});

test("file names that lead elsewhere are dropped", () => {
  const files = ["a.png", "../a.png", "b/c.png", "d\\e.png", "", 7, null, "x".repeat(300), "..png"];
  const comparison = checked({
    ...sent,
    series: [{ ...sent.series[0], runs: [{ ...run(4, 1), files }] }],
    grid: { filename: "../../grid.png" },
  });
  assert.deepEqual(comparison.series[0].runs[0].files, ["a.png"]);
  assert.equal(comparison.grid, null);
});

test("an address keeps what is hostile in its place", () => {
  const path = viewPath("a&type=output.png", "x y#");
  assert.equal(new URL(path, "http://here").searchParams.get("filename"), "a&type=output.png");
  assert.equal(new URL(path, "http://here").searchParams.get("type"), "temp");
});

test("shown first are the sweet spot and the reference", () => {
  const [one, two] = fromOutput(output(sent)).series;
  assert.deepEqual(firstPair(one), [1, 2]);
  // What is not enough is never chosen for the user.
  assert.deepEqual(firstPair(two), [1, 0]);
  assert.deepEqual(firstPair({ ...one, runs: [one.runs[2]] }), [0, 0]);
});

test("a check is shown after the step counts, and beside the reference where it contradicts it", () => {
  const check = { ...run(12, 0.6), sampler: "dpmpp_2m" };
  const [one, two] = fromOutput(output({ ...sent, series: sent.series.map((of) => ({ ...of, check })) })).series;
  assert.deepEqual(
    one.runs.map((each) => each.checkedBy),
    ["", "", "", "dpmpp_2m"],
  );
  assert.equal(describeRun(one.runs[3], one), "check: dpmpp_2m, 12 steps · 1.2 s · 60.0 % similar to 50");
  assert.deepEqual(firstPair(one), [1, 2]);
  assert.deepEqual(firstPair(two), [1, 2]);
  assert.equal(two.runs[firstPair(two)[1]].checkedBy, "dpmpp_2m");
  // It is no step count of the sampler, so the curve leaves it out.
  assert.equal(aligned([one]).places.length, 3);
});

test("a verdict's message, next count, settings and image names are taken, and nothing hostile", () => {
  const deep = { code: "x", text: "y", values: {} };
  deep.values.why = JSON.parse(JSON.stringify(deep));
  let nested = deep;
  for (let level = 0; level < 20; level++) nested = [nested];
  const hostile = { code: "x", text: "y".repeat(9000), values: { steps: 25, name: {}, why: deep, nested } };
  const settings = { seed: 7, cfg: null, sampler_name: "euler", scheduler: "simple", denoise: 1, more: 1 };
  const series = [{ ...sent.series[0], headline: hostile, next_count: 32, settings }];
  const comparison = fromOutput(
    output({ ...sent, headline: { code: 7 }, notes: ["ran", deep, 7], names: ["seed 7", 8], series }),
  );
  const [one] = comparison.series;
  assert.deepEqual([comparison.headline, comparison.names], ["", ["seed 7", ""]]);
  assert.deepEqual(comparison.notes, ["ran", deep, ""]);
  const { steps, name, why } = one.headline.values;
  assert.deepEqual([one.headline.text.length, steps, name, why], [4000, 25, "", deep]);
  assert.ok(JSON.stringify(one.headline).length < 5000);
  assert.deepEqual(Object.keys(one.settings), ["seed", "cfg", "sampler_name", "scheduler", "denoise"]);
  assert.equal(one.next, 32);
});

test("the facts are one line in one measure, and say what the output is without a sweet spot", () => {
  const comparison = fromOutput(output({ ...sent, visible: { when: "side by side", below: 0.895 } }));
  const [one, two] = comparison.series;
  assert.equal(factsOf(comparison, one), "Confidence: high · 99.0 % like 50 · alike from 89.5 %");
  assert.match(factsOf(comparison, two), /the output sweet_spot gives 50, the reference/);
});

test("similarity is in per cent, in words beside seconds", () => {
  const [series] = fromOutput(output(sent)).series;
  assert.equal(Math.round(similarity(series.runs[0])), 70);
  assert.equal(describeRun(series.runs[0], series), "4 steps · 0.40 s · 70.0 % similar to 50");
  assert.match(describeRun(series.runs[2], series), /the reference/);
});

test("several series share the steps, each with gaps where the others have points", () => {
  const { columns, places } = aligned(fromOutput(output(sent)).series);
  assert.deepEqual(columns[0], [4, 25, 50]);
  assert.deepEqual(
    columns[2].map((value) => value !== null),
    [true, false, true],
  );
  assert.equal(places.length, 5);
});

test("the curve goes to the right with the steps, also where fewer steps took longer", () => {
  const slowFirst = {
    ...sent,
    series: [{ ...sent.series[0], runs: [run(4, 0.7, 9), run(25, 0.9, 2), run(50, 1, 4)] }],
  };
  const { columns } = aligned(fromOutput(output(slowFirst)).series);
  assert.deepEqual(columns, [
    [4, 25, 50],
    [70, 90, 100],
  ]);
});

const stage = { width: 400, height: 300 };

test("the point under the mouse stays where it is", () => {
  const at = { x: 120, y: 80 };
  const view = zoomed(fitted(), 3, at, stage);
  assert.equal(view.x + (at.x / 1) * view.scale, at.x);
  assert.equal(view.y + (at.y / 1) * view.scale, at.y);
});

test("pictures are never smaller than the stage, nor pushed out of it", () => {
  assert.deepEqual(zoomed(fitted(), 0.1, { x: 9, y: 9 }, stage), { x: 0, y: 0, scale: 1 });
  assert.equal(zoomed(fitted(), 1e9, { x: 0, y: 0 }, stage).scale, MOST_SCALE);
  const pushed = panned(zoomed(fitted(), 2, { x: 0, y: 0 }, stage), 1e6, -1e6, stage);
  assert.deepEqual(pushed, { x: 0, y: -300, scale: 2 });
});

test("one to one takes the canvas's zoom and the device's pixels into account", () => {
  const image = { width: 800, height: 600 };
  assert.equal(pixelScale(image, stage, 1), 2);
  assert.equal(pixelScale(image, stage, 2), 1);
});

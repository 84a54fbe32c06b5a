import assert from "node:assert/strict";
import { test } from "node:test";
import { checkedFound } from "../../../web/viewer/found_data.mjs";

const column = (more = {}) => ({ name: "euler, simple", files: ["a.png", "b.png"], similarity: [0.9, 0.8], ...more });
const found = (more = {}) => ({
  version: 1,
  subfolder: "sweetspot",
  lines: ["8 steps finish 5 of 6 images."],
  is_gain: true,
  settings: { steps: 8, cfg: 3, sampler_name: "dpmpp_2m", scheduler: "simple", by_plan: false },
  columns: [column(), column(), column({ similarity: [] })],
  ...more,
});

test("what a calibration found is read", () => {
  const read = checkedFound(found());
  assert.equal(read.gain, true);
  assert.deepEqual(read.settings, { steps: 8, cfg: 3, sampler_name: "dpmpp_2m", scheduler: "simple", byPlan: false });
  assert.deepEqual(
    read.columns.map(({ files }) => files.length),
    [2, 2, 2],
  );
});

test("what is none is refused", () => {
  const wrong = [
    null,
    7,
    {},
    found({ version: 2 }),
    found({ columns: [column()] }),
    found({ columns: [column(), column(), column({ files: ["a.png"] })] }),
    found({ columns: [column(), column(), null] }),
    found({ settings: { steps: "8", cfg: 3 } }),
    found({ settings: null }),
  ];
  for (const value of wrong) assert.equal(checkedFound(value), null, JSON.stringify(value));
});

test("files stay in their folder, and texts are texts", () => {
  const hostile = column({ files: ["../a.png", "b/c.png", "ok.png"], name: { toString: () => "x" } });
  const read = checkedFound(found({ columns: [hostile, hostile, hostile], lines: [{ code: 7 }, "fine"] }));
  assert.deepEqual(read.columns[0].files, ["ok.png"]);
  assert.equal(read.columns[0].name, "");
  assert.deepEqual(read.lines, ["", "fine"]);
});

test("a table over step counts is read if all of its rows have the same counts", () => {
  const point = (steps) => ({ steps, finished: 3, images: 4, mean_similarity: 0.9, worst_similarity: 0.5 });
  const row = (...counts) => ({ name: "euler, simple", points: counts.map(point) });
  const [first] = checkedFound(found({ curve: [row(4, 8), row(4, 8)] })).rows;
  assert.deepEqual(first.points[1], { steps: 8, finished: 3, images: 4, mean: 0.9, worst: 0.5 });
  for (const curve of [undefined, 7, [row(4, 8), row(4, 9)], [row()], [{ points: [{ steps: "4" }] }], [null]]) {
    assert.deepEqual(checkedFound(found({ curve })).rows, [], JSON.stringify(curve));
  }
});

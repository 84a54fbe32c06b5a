import assert from "node:assert/strict";
import test from "node:test";
import { settingsLine, settingsOf, toBadge } from "../../../web/preset/recognition.js";

const plan = (steps) => ({
  steps,
  cfg: 1,
  sampler_name: "euler",
  scheduler: "simple",
  guidance: 3.5,
  distilled: false,
  sources: { steps: `source of ${steps}` },
  warnings: ["mind this"],
});
const answer = {
  variant: "x",
  name: "A model",
  confidence: "likely",
  signals: ["file a"],
  contradictions: ["but that"],
  alternatives: ["B"],
  note: "n",
  files: ["a.safetensors"],
  qualities: { draft: plan(4), balanced: plan(20), best: plan(50) },
};

test("a badge holds the three counts with their sources, and warnings of all kinds", () => {
  const badge = toBadge(answer, "best", "not found");
  assert.deepEqual(
    badge.counts.map(({ steps, chosen, source }) => [steps, chosen, source]),
    [
      [4, false, "source of 4"],
      [20, false, "source of 20"],
      [50, true, "source of 50"],
    ],
  );
  assert.deepEqual(badge.warnings, ["not found", "but that", "mind this"]);
  assert.equal(badge.sure, true);
  assert.ok(badge.details.includes("could also be: B"));
});

test("what is not recognised says so", () => {
  assert.equal(toBadge({ ...answer, name: "", confidence: "unknown" }, "draft").title, "Model not recognised");
  assert.equal(toBadge({ ...answer, confidence: "family only" }, "draft").sure, false);
  // A match that is weaker than required leaves the safe default.
  assert.equal(toBadge({ ...answer, confidence: "likely", required: "certain" }, "draft").sure, false);
});

test("a plain sentence says how sure it is, and a model with one count for all has one button", () => {
  const sentences = ["certain", "likely", "family only", "unknown"].map(
    (confidence) => toBadge({ ...answer, confidence }, "draft").sentence,
  );
  assert.equal(new Set(sentences).size, 4);
  assert.match(sentences[2], /A model$|A model\./);
  assert.match(toBadge({ ...answer, required: "certain" }, "draft").sentence, /min_confidence/);
  const same = { draft: plan(8), balanced: plan(8), best: plan(8) };
  assert.deepEqual(
    toBadge({ ...answer, qualities: same }, "draft").counts.map(({ steps, chosen }) => [steps, chosen]),
    [[8, true]],
  );
  assert.match(settingsLine({ ...plan(25), clip_skip: 2 }), / · clip skip 2$/);
});

test("settings are told in one line", () =>
  assert.equal(settingsLine(plan(4)), "4 steps · cfg off · euler · simple · guidance 3.5"));

test("what is written is settings only", () =>
  assert.deepEqual(Object.keys(settingsOf(plan(4))), [
    "steps",
    "cfg",
    "sampler_name",
    "scheduler",
    "guidance",
    "split_step",
  ]));

test("what nobody recommends is shown as the stock default and not written", () => {
  const unsourced = {
    ...plan(4),
    cfg: 8,
    sources: { ...plan(4).sources, cfg: "stock default; no source gives a value" },
  };
  assert.match(settingsLine(unsourced), /cfg 8 \(stock default\)/);
  assert.equal(settingsOf(unsourced).cfg, null);
  assert.equal(settingsOf(plan(4)).cfg, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { propose, settingsTargets, stepsTargets } from "../../../web/graph/apply_settings.js";

const SETTINGS = { steps: 4, cfg: 1, sampler_name: "lcm", scheduler: "simple", guidance: null, split_step: 0 };

/** A graph of nodes in a row: each one's outputs lead to the next one's first input. */
function row(...nodes) {
  const graph = { nodes, links: {}, getNodeById: (id) => nodes[id] };
  nodes.forEach((node, id) => {
    Object.assign(node, { id, title: node.type, mode: 0 });
    node.inputs = id > 0 ? [{ name: "in", link: id }] : [];
    const link = id + 1 < nodes.length ? [id + 1] : [];
    node.outputs = (node.gives ?? ["MODEL", "LATENT"]).map((type) => ({ type, links: link }));
    if (id > 0) graph.links[id] = { origin_id: id - 1, origin_slot: 0, target_id: id, target_slot: 0 };
  });
  return { graph, outer: null, holder: null };
}

const node = (type, values = {}, more = {}) => ({
  type,
  widgets: Object.entries(values).map(([name, value]) => ({ name, value, options: {} })),
  ...more,
});

function written(settings, ...nodes) {
  const frame = row(node("SweetSpotPreset"), ...nodes);
  const { changes } = propose(settings, settingsTargets(frame, frame.graph.nodes[0]));
  return changes.map(({ node: { type }, widget, value }) => [type, widget.name, value]);
}

test("samplers of other packs are written to by what their widgets are called", () => {
  const values = { steps: 20, cfg: 8, sampler_name: "euler", scheduler: "normal", denoise: 0.5 };
  for (const type of ["KSampler (Efficient)", "FaceDetailer", "UltimateSDUpscale", "LanPaint_KSampler"]) {
    assert.deepEqual(written(SETTINGS, node(type, values)), [
      [type, "steps", 4],
      [type, "cfg", 1],
      [type, "sampler_name", "lcm"],
      [type, "scheduler", "simple"],
    ]);
  }
});

test("a sampler behind a pipe is reached", () =>
  assert.deepEqual(
    written(SETTINGS, node("ToBasicPipe", {}, { gives: ["BASIC_PIPE"] }), node("Detailer", { steps: 20 })),
    [["Detailer", "steps", 4]],
  ));

test("both cfgs of a sampler with two models are written", () =>
  assert.deepEqual(written(SETTINGS, node("WanMoeKSampler", { cfg_high_noise: 3.5, cfg_low_noise: 3 })), [
    ["WanMoeKSampler", "cfg_high_noise", 1],
    ["WanMoeKSampler", "cfg_low_noise", 1],
  ]));

test("what has such widgets but doesn't sample is left", () => {
  for (const type of ["TrainLoraNode", "Image Saver", "SweetSpotPlan", "SweetSpotSavePreset"]) {
    assert.deepEqual(written(SETTINGS, node(type, { steps: 20 })), []);
  }
  assert.deepEqual(written(SETTINGS, node("SweetSpotCompare", { steps: "4, 8", cfg: 8 })), [
    ["SweetSpotCompare", "cfg", 1],
  ]);
});

test("the step at which two samplers hand over moves with the step count", () => {
  const first = node("KSamplerAdvanced", { steps: 20, start_at_step: 0, end_at_step: 10 });
  assert.deepEqual(written(SETTINGS, first), [
    ["KSamplerAdvanced", "steps", 4],
    ["KSamplerAdvanced", "end_at_step", 2],
  ]);
  const second = node("KSamplerAdvanced", { steps: 20, start_at_step: 10, end_at_step: 10000 });
  assert.deepEqual(written({ ...SETTINGS, steps: 40, split_step: 26 }, second), [
    ["KSamplerAdvanced", "steps", 40],
    ["KSamplerAdvanced", "start_at_step", 26],
  ]);
});

test("three samplers in a row keep their shares", () => {
  const values = [
    { steps: 8, start_at_step: 0, end_at_step: 2 },
    { steps: 8, start_at_step: 2, end_at_step: 4 },
  ];
  const changes = written(
    { ...SETTINGS, steps: 20, split_step: 10 },
    ...values.map((each) => node("KSamplerAdvanced", each)),
  );
  assert.deepEqual(
    changes.filter(([, name]) => name !== "steps").map(([, name, value]) => [name, value]),
    [
      ["end_at_step", 5],
      ["start_at_step", 5],
      ["end_at_step", 10],
    ],
  );
});

test("what only changes the model is left", () =>
  assert.deepEqual(written(SETTINGS, node("CFGOverride", { cfg: 3 }, { gives: ["MODEL"] })), []));

test("a step count can be written to any sampler that holds it", () => {
  const frame = row(node("KSampler (Efficient)", { steps: 20 }), node("SweetSpotPlan", { steps: 20 }));
  assert.deepEqual(
    stepsTargets(frame).map(({ type }) => type),
    ["KSampler (Efficient)", "SweetSpotPlan"],
  );
});

import assert from "node:assert/strict";
import test from "node:test";
import { propose, settingsTargets, stepsTargets } from "../../../web/graph/apply_settings.js";
import { downstreamOf, frameOf, upstreamOf } from "../../../web/graph/walk.js";

/** A graph from nodes and links `[from, output, to, input]`; -10 and -20 are a subgraph's own ends. */
function makeGraph(nodes, links, kind = (all) => new Map(all)) {
  const entries = links.map(([origin_id, origin_slot, target_id, target_slot], id) => [
    id,
    { origin_id, origin_slot, target_id, target_slot },
  ]);
  for (const [id, link] of entries) {
    const target = nodes.find((node) => node.id === link.target_id);
    if (target) target.inputs[link.target_slot].link = id;
    nodes.find((node) => node.id === link.origin_id)?.outputs[link.origin_slot].links.push(id);
  }
  return { nodes, links: kind(entries), getNodeById: (id) => nodes.find((node) => node.id === id) };
}

const samples = (type) => /Sampler|Scheduler|Guider|Guidance|Compare/.test(type);

function makeNode(
  id,
  type,
  { inputs = [], outputs = samples(type) ? ["LATENT"] : ["MODEL"], widgets = {}, ...more } = {},
) {
  return {
    id,
    type,
    inputs: inputs.map((name) => ({ name, type: name === "model" ? "MODEL" : name.toUpperCase(), link: null })),
    outputs: outputs.map((kind) => ({ name: kind, type: kind, links: [] })),
    widgets: Object.entries(widgets).map(([name, value]) => ({ name, value, options: {} })),
    ...more,
  };
}

const loader = (id = 1) => makeNode(id, "UNETLoader", { widgets: { unet_name: "a.safetensors" } });
const lora = (id = 2, more = {}) =>
  makeNode(id, "LoraLoaderModelOnly", {
    inputs: ["model"],
    widgets: { lora_name: "b.safetensors", strength_model: 1 },
    ...more,
  });
const preset = (id = 9) => makeNode(id, "SweetSpotPreset", { inputs: ["model"], widgets: { quality: "best" } });
const top = (graph) => frameOf(graph, graph);

for (const kind of [(all) => new Map(all), (all) => Object.fromEntries(all)]) {
  test(`leads up from one input, values and links (${kind([]).constructor.name})`, () => {
    const graph = makeGraph(
      [loader(), lora(), preset()],
      [
        [1, 0, 2, 0],
        [2, 0, 9, 0],
      ],
      kind,
    );
    assert.deepEqual(upstreamOf(top(graph), graph.nodes[2], "model"), {
      node: "9",
      graph: {
        1: { class_type: "UNETLoader", inputs: { unet_name: "a.safetensors" } },
        2: {
          class_type: "LoraLoaderModelOnly",
          inputs: { lora_name: "b.safetensors", strength_model: 1, model: ["1", 0] },
        },
        9: { class_type: "SweetSpotPreset", inputs: { model: ["2", 0] } },
      },
    });
  });
}

test("nothing linked, or only a muted node, is nothing", () => {
  const alone = makeGraph([preset()], []);
  assert.equal(upstreamOf(top(alone), alone.nodes[0], "model"), null);
  const muted = makeGraph([{ ...loader(), mode: 2 }, preset()], [[1, 0, 9, 0]]);
  assert.equal(upstreamOf(top(muted), muted.nodes[1], "model"), null);
});

test("a bypassed node lets its input of the same type through", () => {
  const graph = makeGraph(
    [loader(), lora(2, { mode: 4 }), preset()],
    [
      [1, 0, 2, 0],
      [2, 0, 9, 0],
    ],
  );
  const found = upstreamOf(top(graph), graph.nodes[2], "model");
  assert.deepEqual(Object.keys(found.graph), ["1", "9"]);
});

test("reroutes and primitives are seen through", () => {
  const reroute = makeNode(3, "Reroute", { inputs: ["model"], isVirtualNode: true });
  const name = makeNode(4, "PrimitiveNode", {
    outputs: ["STRING"],
    widgets: { value: "c.safetensors" },
    isVirtualNode: true,
  });
  const linked = makeNode(1, "UNETLoader", { inputs: ["unet_name"], widgets: { unet_name: "a.safetensors" } });
  const graph = makeGraph(
    [linked, reroute, name, preset()],
    [
      [1, 0, 3, 0],
      [3, 0, 9, 0],
      [4, 0, 1, 0],
    ],
  );
  assert.equal(upstreamOf(top(graph), graph.nodes[3], "model").graph[1].inputs.unet_name, "c.safetensors");
});

/** A loader in a subgraph, and a subgraph with the preset and a sampler in it. */
function nested() {
  const inner = makeGraph([loader(7)], [[7, 0, -20, 0]]);
  const outer = makeNode(5, "sub", { outputs: ["MODEL"], subgraph: inner });
  const sampler = makeNode(8, "KSampler", { inputs: ["model"], outputs: ["LATENT"], widgets: { steps: 20, cfg: 8 } });
  const second = makeGraph(
    [preset(9), sampler],
    [
      [-10, 0, 9, 0],
      [9, 0, 8, 0],
    ],
  );
  const holder = makeNode(6, "sub2", { inputs: ["model"], outputs: [], subgraph: second });
  return { graph: makeGraph([outer, holder], [[5, 0, 6, 0]]), inner, second };
}

test("subgraphs are passed in both directions, ids carry those around them", () => {
  const { graph, second } = nested();
  const found = upstreamOf(frameOf(graph, second), second.nodes[0], "model");
  assert.equal(found.node, "6:9");
  assert.deepEqual(found.graph["6:9"].inputs, { model: ["5:7", 0] });
  assert.equal(found.graph["5:7"].inputs.unet_name, "a.safetensors");
});

test("downstream goes into subgraphs and out of them", () => {
  const { graph, inner } = nested();
  const reached = downstreamOf(frameOf(graph, inner), inner.nodes[0]).map(({ node }) => node.type);
  assert.deepEqual(reached, ["SweetSpotPreset", "KSampler"]);
});

test("a cycle ends", () => {
  const [one, two] = [lora(1), lora(2)];
  const graph = makeGraph(
    [one, two],
    [
      [1, 0, 2, 0],
      [2, 0, 1, 0],
    ],
  );
  assert.equal(Object.keys(upstreamOf(top(graph), one, "model").graph).length, 2);
  assert.equal(downstreamOf(top(graph), one).length, 1);
});

test("a bypassed node lets through what ComfyUI does: its own number's input, else the first of the type", () => {
  const merge = { ...makeNode(3, "ModelMergeSimple", { inputs: ["model", "model"], mode: 4 }) };
  const graph = makeGraph(
    [loader(1), merge, preset()],
    [
      [1, 0, 3, 1],
      [3, 0, 9, 0],
    ],
  );
  assert.equal(upstreamOf(top(graph), graph.nodes[2], "model"), null);
});

test("a refiner with its own model keeps its settings, and a bypassed sampler is no target", () => {
  const own = (id, more = {}) =>
    makeNode(id, "KSampler", {
      inputs: ["model", "latent_image"],
      outputs: ["LATENT"],
      widgets: { steps: 10 },
      ...more,
    });
  const graph = makeGraph(
    [preset(1), own(2), loader(3), own(4), own(5, { mode: 4 })],
    [
      [1, 0, 2, 0],
      [2, 0, 4, 1],
      [3, 0, 4, 0],
      [1, 0, 5, 0],
    ],
  );
  assert.deepEqual(
    settingsTargets(top(graph), graph.nodes[0]).map(({ node }) => node.id),
    [2],
  );
  assert.deepEqual(
    stepsTargets(top(graph)).map(({ id }) => id),
    [2, 4],
  );
});

test("a sampler whose plan is linked is left to it, one whose plan is muted is not", () => {
  const planned = makeNode(2, "SweetSpotSampler", {
    inputs: ["model", "plan"],
    outputs: ["LATENT"],
    widgets: { steps: 10 },
  });
  const graph = makeGraph(
    [
      {
        ...preset(1),
        outputs: [
          { type: "MODEL", links: [] },
          { type: "STEP_PLAN", links: [] },
        ],
      },
      planned,
    ],
    [
      [1, 0, 2, 0],
      [1, 1, 2, 1],
    ],
  );
  const place = { frame: top(graph), node: planned };
  const { changes, left } = propose({ steps: 30 }, [place]);
  assert.deepEqual(changes, []);
  assert.equal(left.length, 1);
  assert.match(left[0], /^SweetSpotSampler #2: .*plan/);
  assert.deepEqual(stepsTargets(top(graph)), []);
  graph.nodes[0].mode = 2;
  assert.equal(propose({ steps: 30 }, [place]).changes.length, 1);
  assert.equal(stepsTargets(top(graph)).length, 1);
});

test("settings go to the sampler that is connected, and to what gives it its parts", () => {
  const nodes = [
    preset(1),
    makeNode(2, "CFGGuider", { inputs: ["model"], outputs: ["GUIDER"], widgets: { cfg: 8 } }),
    makeNode(3, "KSamplerSelect", { outputs: ["SAMPLER"], widgets: { sampler_name: "euler" } }),
    makeNode(4, "BasicScheduler", {
      inputs: ["model"],
      outputs: ["SIGMAS"],
      widgets: { scheduler: "normal", steps: 20 },
    }),
    makeNode(5, "SamplerCustomAdvanced", { inputs: ["guider", "sampler", "sigmas"], outputs: ["LATENT"] }),
    makeNode(6, "KSampler", { inputs: ["model"], outputs: ["LATENT"], widgets: { steps: 20 } }),
  ];
  const graph = makeGraph(nodes, [
    [1, 0, 2, 0],
    [1, 0, 4, 0],
    [2, 0, 5, 0],
    [3, 0, 5, 1],
    [4, 0, 5, 2],
  ]);
  const targets = settingsTargets(top(graph), nodes[0]);
  const { changes } = propose({ steps: 30, cfg: 5, sampler_name: "dpmpp_2m", scheduler: "karras" }, targets);
  const told = changes.map(({ node, widget, value }) => `${node.type}.${widget.name}=${value}`).sort();
  assert.deepEqual(told, [
    "BasicScheduler.scheduler=karras",
    "BasicScheduler.steps=30",
    "CFGGuider.cfg=5",
    "KSamplerSelect.sampler_name=dpmpp_2m",
  ]);
});

test("linked widgets and names that a node does not offer are left, with the reason", () => {
  const sampler = makeNode(2, "KSampler", {
    inputs: ["model", "steps"],
    widgets: { steps: 20, sampler_name: "euler", cfg: 7 },
  });
  const graph = makeGraph([sampler, preset(9)], [[9, 0, 2, 1]]);
  sampler.widgets[1].options = { values: ["euler", "heun"] };
  const { changes, left } = propose({ steps: 30, cfg: 7, sampler_name: "nonsense" }, [
    { frame: top(graph), node: sampler },
  ]);
  assert.deepEqual(changes, []);
  assert.equal(left.length, 2);
  assert.match(left[0], /^KSampler #2: steps .*linked/);
  assert.match(left[1], /^KSampler #2: sampler_name .*nonsense/);
});

test("a step count goes where steps are a widget's, not a plan's", () => {
  const free = makeNode(1, "KSampler", { widgets: { steps: 20 } });
  const planned = makeNode(2, "SweetSpotSampler", { inputs: ["plan"], widgets: { steps: 20 } });
  const compare = makeNode(3, "SweetSpotCompare", { widgets: { steps: "4, 25" } });
  const graph = makeGraph([free, planned, compare, preset(9)], [[9, 0, 2, 0]]);
  assert.deepEqual(stepsTargets(top(graph)), [free]);
});

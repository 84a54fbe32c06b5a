/** What a viewer's buttons do in the workflow around its node: write, add a sampler, set a threshold, run again. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { isLinked, nameOf, sampledLike, stepsChange, stepsTargets } from "../graph/apply_settings.js";
import { bringIntoView, changing, frameOfNode, moveClear, nodeByExecutionId, write } from "../graph/canvas.js";
import { slotOf, sourceOf } from "../graph/walk.js";
import { checked } from "./data.js";

export const PROPERTY = "sweetspot_comparison";
const OPTIONS = "SweetSpotCompareOptions";
const GAP = 60;

/**
 * @param {CanvasNode} node
 * @returns {Surroundings}
 */
export function surroundingsOf(node) {
  return {
    address: (path) => api.apiURL(path),
    targets: () => targetsAround(node),
    canTry: () => freeWidget(node, "steps") !== null,
    tryToo: (steps) => tryToo(node, steps),
    canAddSampler: () => node.comfyClass === "SweetSpotCompare" && frameOfNode(node) !== null,
    addSampler: (steps, settings) => addSampler(node, steps, settings),
    setThreshold: (percent) => setThreshold(node, percent),
  };
}

/**
 * A widget whose input isn't linked; null if there is none.
 *
 * @param {any} node
 * @param {string} name
 */
function freeWidget(node, name) {
  const frame = frameOfNode(node);
  const widget = node.widgets?.find((/** @type {any} */ one) => one.name === name);
  return widget && frame && !isLinked({ frame, node }, name) ? widget : null;
}

/**
 * @param {any} node
 * @param {number} steps
 */
function tryToo(node, steps) {
  const widget = freeWidget(node, "steps");
  if (!widget) return false;
  write([{ node, widget, value: [String(widget.value).trim(), steps].filter(Boolean).join(", ") }]);
  /** @type {any} */ (app).queuePrompt(0, 1);
  return true;
}

/**
 * @param {CanvasNode} node
 * @returns {StepsTarget[]}
 */
function targetsAround(node) {
  const places = placesOf(node);
  if (places.length) return [targetOf(places)];
  const frame = frameOfNode(node);
  return (frame ? stepsTargets(frame) : []).map((target) => ({
    name: nameOf(target),
    takes: sampledLike({ frame: /** @type {Frame} */ (frame), node: target }, null).length > 0,
    use: (steps, settings) => {
      const now = frameOfNode(node);
      const usable = now !== null && stepsTargets(now).includes(target);
      if (!usable) return false;
      const more = settings ? sampledLike({ frame: now, node: target }, settings) : [];
      write([...stepsChange(steps, target), ...more]);
      return true;
    },
  }));
}

/**
 * The widgets that hold the step count of a compared workflow, as the server found them.
 *
 * @param {any} node
 * @returns {{ node: any, widget: any }[]} empty if there are none, or one of them is gone
 */
function placesOf(node) {
  const saved = checked(node.properties?.[PROPERTY])?.places ?? [];
  const places = saved.map(([id, name]) => {
    const holder = nodeByExecutionId(id);
    return { node: holder, widget: holder?.widgets?.find((/** @type {any} */ widget) => widget.name === name) };
  });
  // A workflow may come from anybody: only a number is ever replaced.
  return places.every(({ widget }) => typeof widget?.value === "number") ? places : [];
}

/**
 * @param {{ node: any, widget: any }[]} places
 * @returns {StepsTarget}
 */
function targetOf(places) {
  return {
    name: places.map(({ node }) => nameOf(node)).join(", "),
    // The workflow's own sampler has these settings already.
    takes: false,
    use: (value) => {
      write(places.map(({ node, widget }) => ({ node, widget, value })));
      return true;
    },
  };
}

/**
 * Add a KSampler with a decoder and a preview, wired to what the comparison is wired to.
 *
 * @param {any} node
 * @param {number} steps
 * @param {RunSettings} settings
 */
function addSampler(node, steps, settings) {
  const frame = frameOfNode(node);
  if (!frame) return false;
  return changing(() => {
    const [left, top] = [node.pos[0] + node.size[0] + GAP, node.pos[1]];
    const sampler = added(node, "KSampler", [left, top]);
    const decoder = added(node, "VAEDecode", [sampler.pos[0], top + sampler.size[1] + GAP], 1);
    const preview = added(node, "PreviewImage", [sampler.pos[0], decoder.pos[1] + decoder.size[1] + GAP], 1);
    for (const name of ["model", "positive", "negative", "latent_image"]) wire(node, name, sampler, name);
    wire(node, "vae", decoder, "vae");
    sampler.connect(0, decoder, slotOf(decoder, "samples"));
    decoder.connect(0, preview, slotOf(preview, "images"));
    for (const { widget, value } of [
      ...stepsChange(steps, sampler),
      ...sampledLike({ frame, node: sampler }, settings),
    ])
      widget.value = value;
    bringIntoView(sampler);
    return true;
  });
}

/**
 * @param {any} node
 * @param {string} kind
 * @param {[number, number]} pos
 * @param {0 | 1} [axis] in which direction it gives way to other nodes: 0 right, 1 down
 */
export function added(node, kind, pos, axis = /** @type {0 | 1} */ (0)) {
  const made = /** @type {any} */ (globalThis).LiteGraph.createNode(kind);
  made.pos = pos;
  node.graph.add(made);
  moveClear(made, axis, GAP);
  return made;
}

/**
 * Wire an input to what another node's input is wired to.
 *
 * @param {any} from
 * @param {string} name
 * @param {any} to
 * @param {string} as
 */
export function wire(from, name, to, as) {
  const slot = slotOf(from, name);
  const link = slot < 0 ? null : from.getInputLink(slot);
  const source = link && from.graph.getNodeById(link.origin_id);
  if (source) source.connect(link.origin_slot, to, slotOf(to, as));
  // Inside a subgraph, what comes from outside has no node.
  else if (link) from.graph.inputNode?.slots?.[link.origin_slot]?.connect?.(to.inputs[slotOf(to, as)], to);
}

/**
 * Write a threshold into the linked Compare Options; add that node if there is none.
 *
 * @param {any} node
 * @param {number} percent
 */
function setThreshold(node, percent) {
  const frame = frameOfNode(node);
  const slot = slotOf(node, "options");
  if (!frame || slot < 0) return false;
  const source = sourceOf(frame, node, slot);
  const linked = source && !("value" in source) ? source.node : null;
  return changing(() => {
    const options = linked ?? added(node, OPTIONS, [node.pos[0] - 320, node.pos[1] + node.size[1] / 2], 1);
    if (!linked) /** @type {any} */ (options).connect(0, node, slot);
    const widget = freeWidget(options, "threshold");
    if (widget) widget.value = percent;
    return widget !== null;
  });
}

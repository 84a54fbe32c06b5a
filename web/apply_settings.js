/**
 * Which widgets recommended settings, or a step count, are written to. Nothing is written here.
 *
 * @import { Frame, GraphNode, Widget } from "./graph_walk.js"
 * @typedef {{ node: GraphNode, widget: Widget, value: unknown }} Change
 * @typedef {{ changes: Change[], left: string[] }} Proposal what to write, and what is left as it is, with the reason
 */

import { classOf, downstreamOf, nodesOf, slotOf, sourceOf } from "./graph_walk.js";

const SAMPLING = ["steps", "cfg", "sampler_name", "scheduler"];

/** Settings that each node keeps in a widget of the same name. @type {Record<string, string[]>} */
const TARGETS = {
  KSampler: SAMPLING,
  KSamplerAdvanced: SAMPLING,
  SweetSpotSampler: SAMPLING,
  SweetSpotCompare: ["cfg", "sampler_name", "scheduler"],
  BasicScheduler: ["steps", "scheduler"],
  KSamplerSelect: ["sampler_name"],
  CFGGuider: ["cfg"],
  SamplerCustom: ["cfg"],
  FluxGuidance: ["guidance"],
};

/** Inputs of a sampling node behind which nodes stand that hold a part of its settings. */
const PARTS = ["sampler", "sigmas", "guider", "positive", "conditioning"];

/** Nodes that a found step count can be written to. */
const STEPS_TARGETS = new Set([
  "KSampler",
  "KSamplerAdvanced",
  "SweetSpotSampler",
  "BasicScheduler",
  "SweetSpotPlan",
  "SweetSpotSavePreset",
]);

/**
 * The nodes that a preset's settings belong in: what its outputs reach, and what gives those their parts.
 *
 * @param {Frame} frame
 * @param {GraphNode} node
 * @returns {GraphNode[]}
 */
export function settingsTargets(frame, node) {
  /** @type {Set<GraphNode>} */
  const found = new Set();
  for (const reached of downstreamOf(frame, node)) {
    found.add(reached.node);
    for (const name of PARTS) addParts(reached.frame, reached.node, name, found, 0);
  }
  return [...found].filter((one) => classOf(one) in TARGETS);
}

/**
 * @param {Frame} frame
 * @param {GraphNode} node
 * @param {string} name
 * @param {Set<GraphNode>} found
 * @param {number} depth
 */
function addParts(frame, node, name, found, depth) {
  const slot = slotOf(node, name);
  const source = slot < 0 || depth > 8 ? null : sourceOf(frame, node, slot);
  if (!source || "value" in source || found.has(source.node)) return;
  found.add(source.node);
  for (const part of PARTS) addParts(source.frame, source.node, part, found, depth + 1);
}

/**
 * What writing settings into nodes means, widget by widget.
 *
 * @param {Record<string, unknown>} settings
 * @param {GraphNode[]} nodes
 * @returns {Proposal}
 */
export function propose(settings, nodes) {
  /** @type {Proposal} */
  const proposal = { changes: [], left: [] };
  for (const node of nodes) {
    for (const name of TARGETS[classOf(node)] ?? []) {
      const value = settings[name];
      if (value !== null && value !== undefined) proposeOne(node, name, value, proposal);
    }
  }
  return proposal;
}

/**
 * @param {GraphNode} node
 * @param {string} name
 * @param {unknown} value
 * @param {Proposal} proposal
 */
function proposeOne(node, name, value, proposal) {
  const widget = node.widgets?.find((one) => one.name === name);
  if (!widget) return;
  if (isLinked(node, name)) {
    proposal.left.push(`${nameOf(node)}: ${name} is linked`);
  } else if (!offers(node, widget, value)) {
    proposal.left.push(`${nameOf(node)}: ${name} has no ${value}`);
  } else if (widget.value !== value) {
    proposal.changes.push({ node, widget, value });
  }
}

/**
 * @param {GraphNode} node
 * @param {string} name
 */
function isLinked(node, name) {
  return (node.inputs ?? []).some((input) => input.name === name && input.link != null);
}

/**
 * @param {GraphNode} node
 * @param {Widget} widget
 * @param {unknown} value
 */
function offers(node, widget, value) {
  const { values } = widget.options ?? {};
  if (values === undefined) return true;
  const list = typeof values === "function" ? values(widget, node) : values;
  return Array.isArray(list) ? list.includes(value) : String(value) in list;
}

/** @param {GraphNode} node */
export function nameOf(node) {
  return `${node.title || classOf(node)} #${node.id}`;
}

/**
 * The nodes of a graph that a step count can be written to: samplers, schedules, plans and saved presets whose steps
 * come from their own widget.
 *
 * @param {import("./graph_walk.js").Graph} graph
 * @returns {GraphNode[]}
 */
export function stepsTargets(graph) {
  return nodesOf(graph).filter((node) => {
    const steps = node.widgets?.find((widget) => widget.name === "steps");
    const planned = ["SweetSpotSampler"].includes(classOf(node)) && isLinked(node, "plan");
    return STEPS_TARGETS.has(classOf(node)) && typeof steps?.value === "number" && !isLinked(node, "steps") && !planned;
  });
}

/**
 * @param {number} steps
 * @param {GraphNode} node
 * @returns {Change[]}
 */
export function stepsChange(steps, node) {
  const widget = node.widgets?.find((one) => one.name === "steps");
  return widget ? [{ node, widget, value: steps }] : [];
}

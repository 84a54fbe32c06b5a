/** Finds the widgets to write recommended settings or a step count to. Writes nothing itself. */

import { classOf, downstreamOf, nodesOf, slotOf, sourceOf } from "./walk.js";

const SAMPLING = ["steps", "cfg", "sampler_name", "scheduler"];

/** The settings each node has a widget for, of the same name. @type {Record<string, string[]>} */
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

/** Inputs of a sampling node whose source nodes hold some of its settings. */
const PARTS = ["sampler", "sigmas", "guider", "positive", "conditioning"];

/** Nodes that a step count can be written to. */
const STEPS_TARGETS = new Set([
  "KSampler",
  "KSamplerAdvanced",
  "SweetSpotSampler",
  "BasicScheduler",
  "SweetSpotPlan",
  "SweetSpotSavePreset",
]);

/**
 * The nodes that a preset's settings apply to: all that its outputs reach, and the sources of those nodes' `PARTS`.
 *
 * @param {Frame} frame
 * @param {GraphNode} node
 * @returns {Place[]}
 */
export function settingsTargets(frame, node) {
  /** @type {Map<GraphNode, Place>} */
  const found = new Map();
  for (const reached of downstreamOf(frame, node)) {
    found.set(reached.node, reached);
    for (const name of PARTS) addParts(reached, name, found, 0);
  }
  return [...found.values()].filter((place) => classOf(place.node) in TARGETS);
}

/**
 * @param {Place} place
 * @param {string} name
 * @param {Map<GraphNode, Place>} found
 * @param {number} depth
 */
function addParts({ frame, node }, name, found, depth) {
  const slot = slotOf(node, name);
  const source = slot < 0 || depth > 8 ? null : sourceOf(frame, node, slot);
  if (!source || "value" in source || found.has(source.node)) return;
  found.set(source.node, source);
  for (const part of PARTS) addParts(source, part, found, depth + 1);
}

/**
 * What would change, widget by widget, if the settings were written into these nodes.
 *
 * @param {Record<string, unknown>} settings
 * @param {Place[]} places
 * @returns {Proposal}
 */
export function propose(settings, places) {
  /** @type {Proposal} */
  const proposal = { changes: [], left: [] };
  for (const place of places) {
    if (isLinked(place, "plan")) {
      proposal.left.push(`${nameOf(place.node)}: set by its plan`);
      continue;
    }
    for (const name of TARGETS[classOf(place.node)] ?? []) {
      const value = settings[name];
      if (value !== null && value !== undefined) proposeOne(place, name, value, proposal);
    }
  }
  return proposal;
}

/**
 * @param {Place} place
 * @param {string} name
 * @param {unknown} value
 * @param {Proposal} proposal
 */
function proposeOne(place, name, value, proposal) {
  const { node } = place;
  const widget = node.widgets?.find((candidate) => candidate.name === name);
  if (!widget) return;
  if (isLinked(place, name)) {
    proposal.left.push(`${nameOf(node)}: ${name} is linked`);
  } else if (!offers(node, widget, value)) {
    proposal.left.push(`${nameOf(node)}: ${name} has no option ${value}`);
  } else if (widget.value !== value) {
    proposal.changes.push({ node, widget, value });
  }
}

/**
 * Whether an input has a source that ComfyUI will use. A link to a muted node doesn't count.
 *
 * @param {Place} place
 * @param {string} name
 */
export function isLinked({ frame, node }, name) {
  const slot = slotOf(node, name);
  return slot >= 0 && sourceOf(frame, node, slot) !== null;
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
 * The nodes of a graph that a step count can be written to: they run and take their steps from their own widget.
 *
 * @param {Frame} frame
 * @returns {GraphNode[]}
 */
export function stepsTargets(frame) {
  return nodesOf(frame.graph).filter((node) => {
    const steps = node.widgets?.find((widget) => widget.name === "steps");
    const place = { frame, node };
    const planned = classOf(node) === "SweetSpotSampler" && isLinked(place, "plan");
    const runs = (node.mode ?? 0) === 0;
    return (
      runs &&
      STEPS_TARGETS.has(classOf(node)) &&
      typeof steps?.value === "number" &&
      !isLinked(place, "steps") &&
      !planned
    );
  });
}

/**
 * @param {number} steps
 * @param {GraphNode} node
 * @returns {Change[]}
 */
export function stepsChange(steps, node) {
  const widget = node.widgets?.find(({ name }) => name === "steps");
  return widget ? [{ node, widget, value: steps }] : [];
}

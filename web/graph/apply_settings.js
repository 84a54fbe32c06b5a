/** Finds the widgets to write recommended settings or a step count to. Writes nothing itself. */

import { t } from "../parts/words.js";
import { classOf, downstreamOf, nodesOf, slotOf, sourceOf } from "./walk.js";

/** Names of the widgets that hold a setting, also in other packs' nodes. @type {[string, RegExp][]} */
const WIDGETS = [
  ["steps", /^((num|sampling|sample|inference|num_inference)_)?steps$/],
  ["cfg", /^(cfg(_scale|_conds|_high_noise|_low_noise)?|video_cfg)$/],
  ["sampler_name", /^sampler(_name)?$/],
  ["scheduler", /^scheduler$/],
  ["guidance", /^guidance$/],
];
const SEED = /^(noise_)?seed$/;
const BOUNDS = /^(start_at|end_at|refine_at|split)_step$/;
/** Nodes with such widgets that don't sample with them. */
const NO_TARGET = /train|save|metadata|xy ?plot/i;

/** What is written into this pack's own nodes. @type {Record<string, string[]>} */
const OWN = {
  SweetSpotSampler: ["steps", "cfg", "sampler_name", "scheduler"],
  SweetSpotCompare: ["cfg", "sampler_name", "scheduler"],
};
const OWN_STEPS = new Set(["SweetSpotSampler", "SweetSpotPlan", "SweetSpotSavePreset"]);

/** Inputs of a sampling node whose source nodes hold some of its settings. */
const PARTS = ["sampler", "sigmas", "guider", "positive", "conditioning"];

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
  return [...found.values()].filter(({ node }) => settingWidgets(node).length > 0);
}

/**
 * The widgets of a node that take recommended settings, with the settings' names.
 *
 * @param {GraphNode} node
 * @returns {[string, Widget][]}
 */
function settingWidgets(node) {
  const kind = classOf(node);
  const own = OWN[kind] ?? [];
  if (NO_TARGET.test(kind) || (kind.startsWith("SweetSpot") && !own.length)) return [];
  // A node that only gives a MODEL changes it, and samples nothing.
  if (node.outputs?.length && node.outputs.every(({ type }) => type === "MODEL")) return [];
  return (node.widgets ?? []).flatMap((widget) => {
    const setting = WIDGETS.find(([, name]) => name.test(widget.name))?.[0];
    // A step list, and a sampler that is an input, are no such widgets.
    const fits = setting && typeof widget.value === (/^s(ampler|ched)/.test(setting) ? "string" : "number");
    return fits && (!own.length || own.includes(setting)) ? [/** @type {[string, Widget]} */ ([setting, widget])] : [];
  });
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
      proposal.left.push(t("apply.planned", "{node}: set by its plan", { node: nameOf(place.node) }));
      continue;
    }
    for (const [setting, widget] of settingWidgets(place.node)) {
      const value = settings[setting];
      if (value !== null && value !== undefined) proposeOne(place, widget, value, proposal);
    }
  }
  proposeBounds(
    settings,
    places.filter((place) => !isLinked(place, "plan")),
    proposal,
  );
  return proposal;
}

/**
 * The widgets of a node that hold the step at which another sampler takes over.
 *
 * @param {GraphNode} node
 */
function boundsOf(node) {
  const steps = Number(settingWidgets(node).find(([setting]) => setting === "steps")?.[1].value);
  const inside = (/** @type {Widget} */ { value }) => Number(value) > 0 && Number(value) < steps;
  return (node.widgets ?? []).filter((widget) => BOUNDS.test(widget.name) && inside(widget));
}

/**
 * Moves the steps at which samplers hand over, because they count the steps of the schedule.
 *
 * @param {Record<string, unknown>} settings
 * @param {Place[]} places
 * @param {Proposal} proposal
 */
function proposeBounds(settings, places, proposal) {
  const bounds = places.flatMap((place) => boundsOf(place.node).map((widget) => ({ place, widget })));
  const isOne = new Set(bounds.map(({ widget }) => widget.value)).size === 1;
  for (const { place, widget } of bounds) {
    const steps = Number(settingWidgets(place.node).find(([setting]) => setting === "steps")?.[1].value);
    const scaled = Math.max(1, Math.round((Number(widget.value) * Number(settings.steps)) / steps));
    proposeOne(place, widget, (isOne && settings.split_step) || scaled, proposal);
  }
}

/**
 * @param {Place} place
 * @param {Widget} widget
 * @param {unknown} value
 * @param {Proposal} proposal
 */
function proposeOne(place, widget, value, proposal) {
  const { node } = place;
  const { name } = widget;
  if (isLinked(place, name)) {
    proposal.left.push(t("apply.linked", "{node}: {name} is linked", { node: nameOf(node), name }));
  } else if (!offers(node, widget, value)) {
    proposal.left.push(t("apply.missing", "{node}: {name} has no option {value}", { node: nameOf(node), name, value }));
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
    const steps = stepsWidget(node);
    const place = { frame, node };
    const planned = classOf(node) === "SweetSpotSampler" && isLinked(place, "plan");
    return (node.mode ?? 0) === 0 && steps && !isLinked(place, steps.name) && !planned;
  });
}

/** @param {GraphNode} node */
function stepsWidget(node) {
  if (OWN_STEPS.has(classOf(node))) return node.widgets?.find(({ name }) => name === "steps");
  return settingWidgets(node).find(([setting]) => setting === "steps")?.[1];
}

/**
 * What to write into a sampler so that it makes the same picture as a run: sampler, scheduler, cfg, seed and denoise.
 *
 * @param {Place} place
 * @param {RunSettings | null} settings null returns what would be written, with the present values
 * @returns {Change[]}
 */
export function sampledLike(place, settings) {
  const { node } = place;
  const free = (/** @type {Widget} */ widget) => !isLinked(place, widget.name);
  const own = settingWidgets(node).filter(([setting]) => setting !== "steps" && setting !== "guidance");
  const more = (node.widgets ?? []).flatMap((widget) => {
    if (SEED.test(widget.name) && typeof widget.value === "number") return [["seed", widget]];
    return widget.name === "denoise" && typeof widget.value === "number" ? [["denoise", widget]] : [];
  });
  // Without a seed, it is no sampler.
  if (!own.length || !more.some(([setting]) => setting === "seed")) return [];
  const changes = /** @type {[keyof RunSettings, Widget][]} */ ([...own, ...more])
    .filter(([setting, widget]) => free(widget) && (!settings || settings[setting] !== null))
    .map(([setting, widget]) => ({ node, widget, value: settings ? settings[setting] : widget.value }))
    .filter(({ widget, value }) => offers(node, widget, value));
  // The seed must not change before the next run.
  const control = node.widgets?.find(
    ({ value }) => value === "randomize" || value === "increment" || value === "decrement",
  );
  return control ? [...changes, { node, widget: control, value: "fixed" }] : changes;
}

/**
 * @param {number} steps
 * @param {GraphNode} node
 * @returns {Change[]}
 */
export function stepsChange(steps, node) {
  const widget = stepsWidget(node);
  return widget ? [{ node, widget, value: steps }] : [];
}

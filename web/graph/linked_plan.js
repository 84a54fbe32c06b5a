/** A linked plan: the widgets that it wins over are greyed out, and what it sets is told. */

import { isLinked } from "./apply_settings.js";
import { askForModel, frameOfNode, valueOf, watchGraph } from "./canvas.js";
import { slotOf, sourceOf } from "./walk.js";
import { laidOver, planOf, settingsLine } from "../preset/recognition.js";

const MOST_HOPS = 20;

/**
 * Grey widgets out while a plan is linked, and tell what it sets, whenever that may have changed.
 *
 * @param {CanvasNode} node
 * @param {string[]} names of the widgets that a plan wins over
 * @param {(linked: boolean, plan: Plan | null) => void} told the plan is null where only a run can tell it
 */
export function watchPlan(node, names, told) {
  let asked = 0;
  watchGraph(node, async () => {
    const ticket = ++asked;
    const frame = frameOfNode(node);
    const linked = frame !== null && isLinked({ frame, node: /** @type {any} */ (node) }, "plan");
    for (const widget of node.widgets ?? []) {
      if (names.includes(widget.name)) widget.disabled = linked;
    }
    const plan = linked ? await planBehind(/** @type {any} */ (node), frame) : null;
    if (ticket === asked) told(linked, plan);
    node.graph?.setDirtyCanvas(true, false);
  });
}

/** @param {Plan | null} plan */
export function planText(plan) {
  return plan ? `plan: ${settingsLine(plan)}` : "plan: its settings win; they are known when it runs";
}

/**
 * What the plan behind a node's `plan` input says; null where only a run can tell.
 *
 * @param {GraphNode} node
 * @param {Frame} frame
 * @param {number} [hops]
 * @returns {Promise<Plan | null>}
 */
async function planBehind(node, frame, hops = 0) {
  const slot = slotOf(node, "plan");
  const source = slot >= 0 && hops < MOST_HOPS ? sourceOf(frame, node, slot) : null;
  if (!source || "value" in source) return null;
  const giver = /** @type {any} */ (source.node);
  if (giver.comfyClass === "SweetSpotPreset") return presetPlan(giver, source.frame);
  if (giver.comfyClass !== "SweetSpotPlan" || isLinked(source, "sigmas")) return null;
  const names = ["steps", "cfg", "sampler_name", "scheduler"];
  const values = names.map((name) => [name, valueOf(giver, name, source.frame)]);
  const base = isLinked(source, "plan") ? await planBehind(giver, source.frame, hops + 1) : null;
  const open = values.some(([, value]) => value === null) || (isLinked(source, "plan") && !base);
  return open ? null : /** @type {Plan} */ (laidOver(Object.fromEntries(values), base));
}

/**
 * @param {CanvasNode} preset
 * @param {Frame} frame
 */
async function presetPlan(preset, frame) {
  const [variant, evidence, quality] = ["variant", "evidence", "quality"].map((name) => valueOf(preset, name, frame));
  if (variant === null || evidence === null || quality === null) return null;
  const reply = await askForModel(preset, { variant, evidence }, frame);
  return reply?.answer ? planOf(reply.answer, String(quality)) : null;
}

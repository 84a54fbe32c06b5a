/** What the buttons of a calibration do in the workflow. */

import { added, wire } from "../compare/surroundings.js";
import { isLinked, nameOf, propose, settingsTargets } from "../graph/apply_settings.js";
import { assign, bringIntoView, changing, frameOfNode } from "../graph/canvas.js";
import { classOf, nodesOf, slotOf } from "../graph/walk.js";
import { t } from "../parts/words.js";

const [MODEL, PLAN] = [0, 1];
const SAVE = "SweetSpotSavePreset";
const GAP = 60;

/**
 * Link the model to the samplers that have the same one without the shift, and write the settings into them; nodes with
 * a plan get the plan.
 *
 * @param {any} node
 * @param {FoundSettings} settings
 * @returns {string} what was done
 */
export function useSettings(node, settings) {
  const frame = frameOfNode(node);
  if (!frame) return "";
  const siblings = samplersBeside(node);
  const reached = settingsTargets(frame, node).map((place) => /** @type {any} */ (place.node));
  const targets = [...new Set([...siblings, ...reached])];
  if (!targets.length) return t("badge.noSampler", "No sampler is connected. Link the output model to one.");
  return changing(() => {
    for (const sampler of siblings) node.connect(MODEL, sampler, slotOf(sampler, "model"));
    const planned = targets.filter((sampler) => slotOf(sampler, "plan") >= 0);
    for (const sampler of planned) node.connect(PLAN, sampler, slotOf(sampler, "plan"));
    const stock = targets.filter((sampler) => !planned.includes(sampler));
    const { changes, left } = propose(
      { ...settings },
      stock.map((sampler) => ({ frame, node: sampler })),
    );
    assign(changes);
    const names = targets.map(nameOf).join(", ");
    const done = t("found.used", "Set in {names}.", { names });
    const lacking = settings.byPlan && stock.length > 0 ? [byPlan(stock)] : [];
    return [done, ...lacking, ...left].join(" ");
  });
}

/** @param {any[]} stock */
const byPlan = (stock) =>
  t("found.byPlan", "{names} can't take the scheduler's numbers; use a Step-Aware Sampler with the plan.", {
    names: stock.map(nameOf).join(", "),
  });

/**
 * The samplers whose model comes from where the node's own does.
 *
 * @param {any} node
 * @returns {any[]}
 */
function samplersBeside(node) {
  const own = linkOf(node, "model");
  if (!own) return [];
  return nodesOf(node.graph).filter((/** @type {any} */ other) => {
    const link = linkOf(other, "model");
    const same = link && link.origin_id === own.origin_id && link.origin_slot === own.origin_slot;
    return same && other !== node && slotOf(other, "latent_image") >= 0 && slotOf(other, "texts") < 0;
  });
}

/**
 * @param {any} node
 * @param {string} name
 */
function linkOf(node, name) {
  const slot = slotOf(node, name);
  return slot < 0 ? null : node.getInputLink?.(slot);
}

/**
 * Show the Save Step Preset that has this node's plan; add one if there is none.
 *
 * @param {any} node
 * @returns {string} what to do next
 */
export function savePreset(node) {
  const frame = frameOfNode(node);
  if (!frame) return "";
  const there = nodesOf(node.graph).find((/** @type {any} */ other) => {
    const link = classOf(other) === SAVE ? linkOf(other, "plan") : null;
    return link?.origin_id === node.id && isLinked({ frame, node: other }, "plan");
  });
  const made =
    there ??
    changing(() => {
      const saver = added(node, SAVE, [node.pos[0] + node.size[0] + GAP, node.pos[1]]);
      // Its file is found from the model, which is the same with and without the shift.
      wire(node, "model", saver, "model");
      node.connect(PLAN, saver, slotOf(saver, "plan"));
      return saver;
    });
  bringIntoView(made);
  return t("found.run", "Run the workflow to save the plan with {name}.", { name: nameOf(made) });
}

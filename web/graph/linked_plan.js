/** Greys out the widgets that a linked plan overrides, and shows what the plan sets. */

import { isLinked } from "./apply_settings.js";
import { frameOfNode, watchGraph } from "./canvas.js";
import { askForPlan } from "./route.js";
import { t } from "../parts/words.js";
import { settingsLine } from "../preset/recognition.js";

/**
 * Keep the widgets greyed out while a plan is linked, and call `show` whenever the plan may have changed.
 *
 * @param {CanvasNode} node
 * @param {string[]} names of the widgets that a plan overrides
 * @param {(linked: boolean, plan: Plan | null) => void} show the plan is null if it's unknown until the run
 */
export function watchPlan(node, names, show) {
  let asked = 0;
  watchGraph(node, async () => {
    const ticket = ++asked;
    const frame = frameOfNode(node);
    const linked = frame !== null && isLinked({ frame, node: /** @type {any} */ (node) }, "plan");
    for (const widget of node.widgets ?? []) {
      if (names.includes(widget.name)) widget.disabled = linked;
    }
    const plan = linked ? await askForPlan(node) : null;
    if (ticket === asked) show(linked, plan);
    node.graph?.setDirtyCanvas(true, false);
  });
}

/** @param {Plan | null} plan */
export function planText(plan) {
  return plan
    ? t("plan.known", "plan: {settings}", { settings: settingsLine(plan) })
    : t("plan.unknown", "plan: overrides the greyed settings; its values are only known when it runs");
}

/** A linked plan: the widgets that it overrides are greyed out, and what it sets is shown. */

import { isLinked } from "./apply_settings.js";
import { frameOfNode, watchGraph } from "./canvas.js";
import { askForPlan } from "./route.js";
import { settingsLine } from "../preset/recognition.js";

/**
 * Grey widgets out while a plan is linked, and show what it sets, whenever that may have changed.
 *
 * @param {CanvasNode} node
 * @param {string[]} names of the widgets that a plan overrides
 * @param {(linked: boolean, plan: Plan | null) => void} show the plan is null where only a run can tell it
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
  return plan ? `plan: ${settingsLine(plan)}` : "plan: overrides these settings; they are known when it runs";
}

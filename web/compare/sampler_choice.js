/** Turns the text `sampler` of the nodes that compare a workflow into a list of the samplers above their wire. */

import { valueOf, watchGraph, watchWidgets } from "../graph/canvas.js";
import { askForStages } from "../graph/route.js";
import { say } from "../parts/words.js";

/** The nodes, and the input that is compared. @type {Record<string, string>} */
const WIRES = { SweetSpotCompareWorkflow: "images", SweetSpotCompareAudio: "audio" };
const WIDGET = "sampler";
const FIXED = "fixed_sigmas";
const AUTO = "auto";

/**
 * Offer the samplers, and report which one a run will vary, or why none.
 *
 * @param {CanvasNode} node
 * @param {(text: string) => void} report
 */
export function offerSamplers(node, report) {
  const wire = WIRES[String(node.comfyClass)];
  if (!wire) return;
  const widget = asList(node);
  let asked = 0;
  const update = async () => {
    const ticket = ++asked;
    const fixed = valueOf(node, FIXED);
    const answer = await askForStages(node, wire, String(widget.value), String(fixed ?? ""));
    if (ticket !== asked) return;
    widget.options.values = [...new Set([AUTO, ...(answer?.stages ?? []), String(widget.value)])];
    report(answer ? say(answer.text) : "");
    node.graph?.setDirtyCanvas(true, false);
  };
  watchGraph(node, update);
  watchWidgets(node, [WIDGET, FIXED], update);
}

/**
 * Replace the text widget by a list at the same place, so that saved workflows keep their values.
 *
 * @param {any} node
 */
function asList(node) {
  const place = node.widgets.findIndex((/** @type {any} */ widget) => widget.name === WIDGET);
  const old = node.widgets[place];
  const list = node.addWidget("combo", WIDGET, old.value, () => {}, { values: [AUTO] });
  list.tooltip = old.tooltip;
  list.label = old.label;
  node.widgets.splice(node.widgets.indexOf(list), 1);
  node.widgets[place] = list;
  return list;
}

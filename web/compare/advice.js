/** Shows on Multi-Step Compare, before any run, what is wrong with its settings for the connected model. */

import { isLinked } from "../graph/apply_settings.js";
import { frameOfNode, valueOf, watchGraph, watchWidgets, write } from "../graph/canvas.js";
import { askForModel } from "../graph/route.js";
import { planOf, settingsOf } from "../preset/recognition.js";
import { button } from "../parts/controls.js";
import { say, t } from "../parts/words.js";

const WATCHED = ["steps", "cfg"];

/**
 * Keep an element filled with what is wrong, and a button that mends it; hidden as long as nothing is.
 *
 * @param {CanvasNode} node
 * @param {HTMLElement} element
 */
export function watchSettings(node, element) {
  let [asked, shown] = [0, ""];
  const update = async () => {
    const ticket = ++asked;
    const answer = await answerFor(node);
    if (ticket !== asked) return;
    element.hidden = !answer?.wrong;
    // Not again at each change of the graph: a button must stay while it is clicked.
    const said = JSON.stringify([answer?.wrong, answer?.name]);
    if (shown === said) return;
    shown = said;
    if (!answer?.wrong) return element.replaceChildren();
    const name = answer.name || t("advice.model", "this model");
    const onclick = async () => {
      const now = await answerFor(node);
      if (now) write(mended(node, now));
    };
    const changes = mended(node, answer).map(({ widget, value }) => `${widget.name} ${value}`);
    const label = t("advice.set", "Set {changes}", { changes: changes.join("; ") });
    const apply = changes.length ? [button({ onclick }, label)] : [];
    element.replaceChildren(t("advice.wrong", "{name}: {why}", { name, why: say(answer.wrong) }), ...apply);
  };
  watchGraph(node, update);
  watchWidgets(node, WATCHED, update);
}

/**
 * What is known of a comparison's model and settings; null if a plan sets them, or no model is linked.
 *
 * @param {CanvasNode} node
 * @returns {Promise<Answer | null>}
 */
async function answerFor(node) {
  const frame = frameOfNode(node);
  if (!frame || isLinked({ frame, node: /** @type {any} */ (node) }, "plan")) return null;
  const [steps, cfg] = WATCHED.map((name) => valueOf(node, name));
  // A value that only a run can show is not judged.
  if (typeof steps !== "string") return null;
  const reply = await askForModel(node, { steps, cfg: typeof cfg === "number" ? cfg : null });
  return reply?.answer ?? null;
}

/**
 * The recommended values for those of a node's widgets that are wrong.
 *
 * @param {any} node
 * @param {Answer} answer
 * @returns {Change[]}
 */
export function mended(node, answer) {
  const wanted = { cfg: settingsOf(planOf(answer, "balanced")).cfg, steps: answer.counts.join(", ") || null };
  return Object.entries(wanted).flatMap(([name, value]) => {
    const widget = node.widgets?.find((/** @type {Widget} */ one) => one.name === name);
    const wrong = answer.mend.includes(name) && value !== null;
    return widget && wrong && widget.value !== value ? [{ node, widget, value }] : [];
  });
}

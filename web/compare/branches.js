/** Which branch of a workflow's comparison is running, as the server reports it. */

import { api } from "../../../scripts/api.js";
import { isOfOpenWorkflow, nodeByExecutionId } from "../graph/canvas.js";

/** The newest message about each node's branches. @type {WeakMap<object, Branch>} */
const newest = new WeakMap();

/**
 * Call a function whenever a branch goes on.
 *
 * @param {(node: any, branch: Branch) => void} goneOn
 */
export function listenToBranches(goneOn) {
  api.addEventListener("sweetspot.branches", async ({ detail }) => {
    if (!(await isOfOpenWorkflow(detail.prompt_id))) return;
    const node = nodeByExecutionId(detail.node ?? "");
    if (!node) return;
    newest.set(node, detail);
    goneOn(node, detail);
  });
}

/** @param {Branch} branch */
export function describeBranch({ steps, place, of, title, seconds_left }) {
  const left = seconds_left === null ? "" : `, about ${seconds_left.toFixed(seconds_left < 10 ? 1 : 0)} s left`;
  return `Running ${steps} steps (${place} of ${of}${left}): ${title}`;
}

/**
 * Where a run stopped, in words; empty if it stopped outside of the branches.
 *
 * @param {object} node
 */
export function whereOf(node) {
  const branch = newest.get(node);
  newest.delete(node);
  return branch ? ` (it stopped at ${branch.steps} steps, in ${branch.title})` : "";
}

/** Which branch of a workflow's comparison is running, as the server reports it, in words. */

/** The newest message about each node's branches. @type {WeakMap<object, Branch>} */
const newest = new WeakMap();

/**
 * Remember what runs, and return it in words.
 *
 * @param {object} node
 * @param {Branch} branch
 */
export function branchText(node, branch) {
  newest.set(node, branch);
  const { steps, place, of, title, seconds_left } = branch;
  const left = seconds_left === null ? "" : `, about ${seconds_left.toFixed(seconds_left < 10 ? 1 : 0)} s left`;
  return `Running ${steps} steps (${place} of ${of}${left}): ${title}`;
}

/**
 * Where a run stopped, in words; empty if it stopped outside of the branches.
 *
 * @param {object} node
 */
export function whereStopped(node) {
  const branch = newest.get(node);
  newest.delete(node);
  return branch ? ` (it stopped at ${branch.steps} steps, in ${branch.title})` : "";
}

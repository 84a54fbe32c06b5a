/** Access to ComfyUI's canvas: its graph, its events, and changes that can be undone. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { frameOf, slotOf, sourceOf } from "./walk.js";
import { chain } from "../parts/panel.js";

const MOST_REMEMBERED = 50;

/** The whole graph, whichever subgraph is open. @returns {any} */
export const rootGraph = () => app.rootGraph ?? app.graph;

/** @param {CanvasNode} node */
export function frameOfNode(node) {
  return node.graph ? frameOf(rootGraph(), /** @type {any} */ (node.graph)) : null;
}

/**
 * The node with an execution id: `7`, or `3:7` inside a subgraph.
 *
 * @param {string | number} id
 * @returns {any}
 */
export function nodeByExecutionId(id) {
  let graph = rootGraph();
  let node;
  for (const part of String(id).split(":")) {
    node = graph?.getNodeById(Number(part)) ?? graph?.getNodeById(part);
    graph = node?.subgraph;
  }
  return node;
}

/**
 * Write values into widgets as one change that Ctrl+Z undoes.
 *
 * @param {Change[]} changes
 */
export function write(changes) {
  changing(() => assign(changes));
}

/**
 * Write values into widgets, as part of a change.
 *
 * @param {Change[]} changes
 */
export function assign(changes) {
  for (const { node, widget, value } of changes) {
    widget.value = value;
    widget.callback?.(value, /** @type {any} */ (app.canvas), node);
  }
}

/**
 * Change the graph so that one Ctrl+Z undoes it, and return what the function returns.
 *
 * @template T
 * @param {() => T} change
 * @returns {T}
 */
export function changing(change) {
  const canvas = /** @type {any} */ (app.canvas);
  canvas.emitBeforeChange?.();
  try {
    return change();
  } finally {
    // Without this call, ComfyUI would stop recording changes.
    canvas.emitAfterChange?.();
    canvas.setDirty?.(true, true);
  }
}

/**
 * Move the canvas so that a node can be seen, unless all of it can be.
 *
 * @param {any} node
 */
export function bringIntoView(node) {
  const canvas = /** @type {any} */ (app.canvas);
  const [left, top, width, height] = canvas.visible_area ?? [0, 0, 0, 0];
  const [x, y, wide, high] = bounds(node);
  const inside = x >= left && y >= top && x + wide <= left + width && y + high <= top + height;
  if (!inside) canvas.centerOnNode?.(node);
}

const TITLE = 30;
const MOST_MOVES = 50;

/** @param {any} node @returns {[number, number, number, number]} left, top, width, height, with its title */
const bounds = ({ pos, size }) => [pos[0], pos[1] - TITLE, size[0], size[1] + TITLE];

/**
 * Move a new node, right or down, to where it covers no other one.
 *
 * @param {any} node
 * @param {0 | 1} axis 0 moves it right, 1 down
 * @param {number} gap
 */
export function moveClear(node, axis, gap) {
  for (let moves = 0; moves < MOST_MOVES; moves++) {
    const [x, y, width, height] = bounds(node);
    const covered = (node.graph?._nodes ?? []).find((/** @type {any} */ other) => {
      const [left, top, wide, high] = bounds(other);
      return other !== node && x < left + wide && left < x + width && y < top + high && top < y + height;
    });
    if (!covered) return;
    node.pos[axis] = covered.pos[axis] + covered.size[axis] + gap + (axis ? TITLE : 0);
  }
}

/** The nodes in the graph, each with the function to call on a change. @type {Map<CanvasNode, () => void>} */
const watchers = new Map();

/** Call all watchers, e.g. because the server's answers may have changed. */
export function notifyWatchers() {
  for (const [node, changed] of watchers) {
    // When a subgraph is removed, its nodes get no onRemoved.
    if (frameOfNode(node)) changed();
    else watchers.delete(node);
  }
}

api.addEventListener("graphChanged", notifyWatchers);

/**
 * Call a function whenever the graph around a node may have changed.
 *
 * @param {CanvasNode} node
 * @param {() => void} changed
 */
export function watchGraph(node, changed) {
  // ComfyUI adds or removes the link only after this call.
  for (const name of ["onConnectionsChange", "onConfigure"]) chain(node, name, () => queueMicrotask(changed));
  // A clipboard copy is never added.
  chain(node, "onAdded", () => {
    watchers.set(node, changed);
    queueMicrotask(changed);
  });
  chain(node, "onRemoved", () => watchers.delete(node));
}

/**
 * Call a function when the user changes a widget.
 *
 * @param {CanvasNode} node
 * @param {string[]} names
 * @param {() => void} changed
 */
export function watchWidgets(node, names, changed) {
  for (const widget of node.widgets ?? []) {
    if (names.includes(widget.name)) chain(widget, "callback", changed);
  }
}

/**
 * The value that a widget has when the graph runs; null if a linked node computes it.
 *
 * @param {CanvasNode} node
 * @param {string} name
 * @param {Frame | null} [frame]
 * @returns {any}
 */
export function valueOf(node, name, frame = frameOfNode(node)) {
  const slot = slotOf(/** @type {any} */ (node), name);
  const source = frame && slot >= 0 ? sourceOf(frame, /** @type {any} */ (node), slot) : null;
  if (source) return "value" in source ? source.value : null;
  return node.widgets?.find((widget) => widget.name === name)?.value ?? null;
}

/** @type {Map<string, Promise<string | null>>} */
const workflows = new Map();

/**
 * The workflow that a prompt was queued from. Needed because messages name nodes by ids, which other tabs' workflows
 * use too.
 *
 * @param {string | null | undefined} promptId
 * @returns {Promise<string | null>}
 */
export async function workflowOf(promptId) {
  if (!promptId) return null;
  let workflow = workflows.get(promptId);
  if (!workflow) {
    workflow = lookUpWorkflow(promptId);
    workflows.set(promptId, workflow);
    if (workflows.size > MOST_REMEMBERED) workflows.delete(workflows.keys().next().value ?? "");
  }
  return workflow;
}

/** @param {string} promptId */
async function lookUpWorkflow(promptId) {
  try {
    const queue = await (await api.fetchApi("/queue")).json();
    const waiting = [...queue.queue_running, ...queue.queue_pending].find((entry) => entry[1] === promptId);
    const done = waiting ? null : await (await api.fetchApi(`/history/${encodeURIComponent(promptId)}`)).json();
    const prompt = waiting ?? done?.[promptId]?.prompt;
    return String(prompt?.[3]?.extra_pnginfo?.workflow?.id ?? "") || null;
  } catch {
    return null;
  }
}

export const openWorkflow = () => String(rootGraph()?.id ?? "");

/**
 * Whether a message belongs to the open workflow; true if its workflow is unknown.
 *
 * @param {string | null | undefined} promptId
 */
export async function isOfOpenWorkflow(promptId) {
  const id = await workflowOf(promptId);
  return id === null || id === openWorkflow();
}

/**
 * Let the wheel and the middle button move the canvas while the mouse is over a panel. Nodes 2.0 does this itself.
 *
 * @param {HTMLElement} element
 */
export function moveCanvasThrough(element) {
  const canvas = () =>
    /** @type {any} */ (globalThis).LiteGraph?.vueNodesMode ? null : /** @type {any} */ (app.canvas);
  element.addEventListener("wheel", (event) => {
    if (!event.defaultPrevented && !scrolls(/** @type {Element} */ (event.target)))
      canvas()?.processMouseWheel?.(event);
  });
  for (const move of ["Down", "Move", "Up"]) {
    const name = /** @type {"pointerdown"} */ (`pointer${move.toLowerCase()}`);
    element.addEventListener(
      name,
      (event) => (event.button === 1 || event.buttons & 4) && canvas()?.[`processMouse${move}`]?.(event),
    );
  }
}

/** @param {Element} at */
function scrolls(at) {
  for (
    let element = at.closest(".sweetspot *");
    element;
    element = element.parentElement?.closest(".sweetspot *") ?? null
  ) {
    if (element.scrollHeight > element.clientHeight + 1 && getComputedStyle(element).overflowY === "auto") return true;
  }
  return false;
}

/**
 * Take a live preview away from the core, which would make the node grow by it.
 *
 * @param {any} node
 */
export function removePreview(node) {
  node.imgs = undefined;
  const core = /** @type {any} */ (app);
  core.revokePreviews?.(node.id);
  // Newer pages keep previews in a store that they don't offer to extensions. Without it, the preview stays.
  const page = /** @type {any} */ (document.getElementById("vue-app"))?.__vue_app__;
  const outputs = page?.config?.globalProperties?.$pinia?._s?.get("nodeOutput");
  // In a subgraph, a node's name there begins with the subgraph's.
  for (const id of [String(node.id), `${node.graph?.id}:${node.id}`]) outputs?.revokePreviewsByLocatorId?.(id);
}

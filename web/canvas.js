/**
 * The bridge to ComfyUI's canvas: its graph, its events, changes that can be undone, and the route of ours.
 *
 * @import { Answer } from "./recognition.js"
 * @import { Frame, GraphNode } from "./graph_walk.js"
 * @import { Change } from "./apply_settings.js"
 * @import { CanvasNode } from "./panel.js"
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { frameOf, upstreamOf } from "./graph_walk.js";
import { chain } from "./panel.js";

const ROUTE = "/sweetspot/recognise";
const MOST_REMEMBERED = 50;

/** @type {Map<string, Promise<{ answer: Answer | null, problem: string }>>} */
const remembered = new Map();

/** The whole graph, whichever subgraph is open. @returns {any} */
export const rootGraph = () => app.rootGraph ?? app.graph;

/**
 * @param {CanvasNode} node
 * @returns {Frame | null}
 */
export function frameOfNode(node) {
  const graph = /** @type {any} */ (node.graph);
  return graph ? frameOf(rootGraph(), graph) : null;
}

/**
 * The node of an execution id such as `7`, or `3:7` inside a subgraph.
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
 * What the model behind a node's input is. The same question is asked once.
 *
 * @param {CanvasNode} node
 * @param {{ variant?: string, evidence?: string }} [wishes]
 * @returns {{ key: string, reply: Promise<{ answer: Answer | null, problem: string }> } | null} null where nothing is
 *   linked
 */
export function askForModel(node, wishes = {}) {
  const frame = frameOfNode(node);
  const upstream = frame && upstreamOf(frame, /** @type {any} */ (node), "model");
  if (!upstream) return null;
  const body = JSON.stringify({ ...upstream, ...wishes });
  let reply = remembered.get(body);
  if (!reply) {
    reply = post(body);
    remembered.set(body, reply);
    // An answer that did not come is asked for again; files come and go.
    reply.then(({ problem }) => problem && remembered.delete(body));
    if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value ?? "");
  }
  return { key: body, reply };
}

/** Forget all answers, as after the user's presets or files have changed. */
export const forgetAnswers = () => remembered.clear();

/** @param {string} body */
async function post(body) {
  try {
    const response = await api.fetchApi(ROUTE, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const told = await response.json();
    return response.ok
      ? { answer: /** @type {Answer} */ (told), problem: "" }
      : { answer: /** @type {Answer | null} */ (told.by_name ?? null), problem: String(told.error) };
  } catch (error) {
    return { answer: null, problem: `The server did not answer (${error instanceof Error ? error.message : error})` };
  }
}

/**
 * Write values into widgets as one change that Ctrl+Z takes back.
 *
 * @param {Change[]} changes
 */
export function write(changes) {
  const canvas = /** @type {any} */ (app.canvas);
  canvas.emitBeforeChange?.();
  for (const { node, widget, value } of changes) {
    widget.value = value;
    widget.callback?.(value, canvas, node);
  }
  canvas.emitAfterChange?.();
  canvas.setDirty?.(true, true);
}

/**
 * Call a function whenever what stands around a node may have changed: its links, its values, the graph behind it.
 *
 * @param {CanvasNode} node
 * @param {() => void} changed
 */
export function watchGraph(node, changed) {
  for (const name of ["onConnectionsChange", "onConfigure", "onAdded"]) {
    // The link that comes or goes is written only after this call.
    chain(node, name, () => queueMicrotask(changed));
  }
  api.addEventListener("graphChanged", changed);
  chain(node, "onRemoved", () => api.removeEventListener("graphChanged", changed));
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
 * @param {CanvasNode} node
 * @param {string} name
 * @returns {any}
 */
export function valueOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name)?.value;
}

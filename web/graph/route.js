/** What the server answers about the nodes of a graph before any run. Each question is asked once. */

import { api } from "../../../scripts/api.js";
import { frameOfNode, notifyWatchers } from "./canvas.js";
import { upstreamOf } from "./walk.js";

const RECOGNISE = "/sweetspot/recognise";
const PLAN = "/sweetspot/plan";
const MOST_REMEMBERED = 50;
const RETRY_AFTER = 10_000;

/** @type {Map<string, Promise<Reply>>} */
const remembered = new Map();

/**
 * What the model behind a node's input is.
 *
 * @param {CanvasNode} node
 * @param {{ variant?: string, min_confidence?: string }} [wishes]
 * @returns {Promise<Reply> | null} null where nothing is linked
 */
export function askForModel(node, wishes = {}) {
  const upstream = upstreamOfNode(node, "model", frameOfNode(node));
  return upstream && ask(RECOGNISE, { ...upstream, ...wishes });
}

/**
 * The zones of the steps band for a node's model; the common ones where none is linked.
 *
 * @param {CanvasNode} node
 * @returns {Promise<Zone[]>} empty where the server does not answer
 */
export async function askForZones(node) {
  const frame = frameOfNode(node);
  const own = { node: "0", graph: { 0: { class_type: String(node.comfyClass), inputs: {} } } };
  const { answer } = await ask(RECOGNISE, upstreamOfNode(node, "model", frame) ?? own);
  return answer?.zones ?? [];
}

/**
 * The plan that a node's `plan` input will bring.
 *
 * @param {CanvasNode} node
 * @returns {Promise<Plan | null>} null where only a run can tell
 */
export async function askForPlan(node) {
  const upstream = upstreamOfNode(node, "plan", frameOfNode(node));
  return upstream && ((await ask(PLAN, upstream)).answer?.plan ?? null);
}

/** Ask for everything anew. */
export function forgetAnswers() {
  remembered.clear();
  notifyWatchers();
}

/**
 * @param {CanvasNode} node
 * @param {string} input
 * @param {Frame | null} frame
 */
function upstreamOfNode(node, input, frame) {
  return frame && upstreamOf(frame, /** @type {any} */ (node), input);
}

/**
 * @param {string} route
 * @param {Record<string, any>} question
 * @returns {Promise<Reply>}
 */
function ask(route, question) {
  const body = JSON.stringify(question);
  const key = `${route} ${body}`;
  const known = remembered.get(key);
  if (known) return known;
  const reply = post(route, body);
  remembered.set(key, reply);
  // What did not come is asked for again, but not at each click.
  reply.then(({ answer }) => answer || setTimeout(() => remembered.delete(key), RETRY_AFTER));
  if (remembered.size > MOST_REMEMBERED) remembered.delete(remembered.keys().next().value ?? "");
  return reply;
}

/**
 * @param {string} route
 * @param {string} body
 * @returns {Promise<Reply>}
 */
async function post(route, body) {
  try {
    const response = await api.fetchApi(route, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
    const content = await response.json().catch(() => ({ error: `The server failed (HTTP ${response.status})` }));
    if (response.ok) return { answer: content, problem: "" };
    return { answer: content.by_name ?? null, problem: String(content.error) };
  } catch (error) {
    return { answer: null, problem: `The server did not answer (${error instanceof Error ? error.message : error})` };
  }
}

/** Asks the server about a graph's nodes before any run. Answers are remembered. */

import { api } from "../../../scripts/api.js";
import { frameOfNode, notifyWatchers } from "./canvas.js";
import { t } from "../parts/words.js";
import { upstreamOf } from "./walk.js";

const RECOGNISE = "/sweetspot/recognise";
const PLAN = "/sweetspot/plan";
const STAGES = "/sweetspot/stages";
const MOST_REMEMBERED = 50;
const RETRY_AFTER = 10_000;

/** @type {Map<string, Promise<Reply>>} */
const remembered = new Map();

/**
 * Ask what the model at a node's input is.
 *
 * @param {CanvasNode} node
 * @param {{ variant?: string, min_confidence?: string, steps?: string, cfg?: number | null }} [wishes] `steps` and `cfg`
 *   are those of a comparison
 * @returns {Promise<Reply> | null} null if nothing is linked
 */
export function askForModel(node, wishes = {}) {
  const upstream = upstreamOfNode(node, "model", frameOfNode(node));
  return upstream && ask(RECOGNISE, { ...upstream, ...wishes });
}

/**
 * The zones of the steps band for a node's model; the general zones if no model is linked.
 *
 * @param {CanvasNode} node
 * @returns {Promise<Zone[]>} empty if the server doesn't answer
 */
export async function askForZones(node) {
  const unlinked = { node: "0", graph: { 0: { class_type: String(node.comfyClass), inputs: {} } } };
  const upstream = upstreamOfNode(node, "model", frameOfNode(node));
  const reply = upstream && (await ask(RECOGNISE, upstream));
  const { answer } = reply?.answer ? reply : await ask(RECOGNISE, unlinked);
  return answer?.zones ?? [];
}

/**
 * The plan that a node will get at its `plan` input.
 *
 * @param {CanvasNode} node
 * @returns {Promise<Plan | null>} null if it's unknown until the run
 */
export async function askForPlan(node) {
  const upstream = upstreamOfNode(node, "plan", frameOfNode(node));
  return upstream && ((await ask(PLAN, upstream)).answer?.plan ?? null);
}

/**
 * The samplers above a node's input, and which one a run will vary.
 *
 * @param {CanvasNode} node
 * @param {string} input
 * @param {string} sampler the chosen one, or auto
 * @param {string} fixed_sigmas what to do with a fixed schedule
 * @returns {Promise<{ stages: string[], text: string } | null>} null if nothing is linked, or the server doesn't answer
 */
export async function askForStages(node, input, sampler, fixed_sigmas) {
  const upstream = upstreamOfNode(node, input, frameOfNode(node));
  return upstream && (await ask(STAGES, { ...upstream, input, sampler, fixed_sigmas })).answer;
}

/** Forget all answers and ask again. */
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
  const earlier = remembered.get(key);
  if (earlier) return earlier;
  const reply = post(route, body);
  remembered.set(key, reply);
  // A failed question may be asked again after a while, but not at every click.
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
    const content = await response
      .json()
      .catch(() => ({ error: t("route.failed", "The server failed (HTTP {status})", { status: response.status }) }));
    if (response.ok) return { answer: content, problem: "" };
    return { answer: content.by_name ?? null, problem: String(content.error) };
  } catch (error) {
    return {
      answer: null,
      problem: t("route.silent", "The server did not answer ({why})", {
        why: error instanceof Error ? error.message : error,
      }),
    };
  }
}

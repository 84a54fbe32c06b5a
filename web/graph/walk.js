/**
 * Walks the graph on the canvas: finds the source of a node's input, and the nodes that its outputs reach.
 *
 * Goes into and out of subgraphs, passes through bypassed and virtual nodes (reroutes, primitives), and stops at muted
 * nodes.
 */

const NEVER = 2;
const BYPASSED = 4;
const INPUT_NODE = -10;
const OUTPUT_NODE = -20;
const MOST_NODES = 200;
const LONGEST_VALUE = 4096;
const MOST_LISTED = 64;
const LONGEST_NAME = 256;

/** Types of links that connect a model to the samplers that use it; other packs bundle it into pipes. */
const OF_MODEL = /^(MODEL|GUIDER|STEP_PLAN|SIGMAS|SAMPLER)$|PIPE|TUPLE|CONTEXT/;

/** @param {GraphNode} node */
export const classOf = (node) => String(node.comfyClass ?? node.type ?? "");

/** @param {Graph} graph */
export const nodesOf = (graph) => graph.nodes ?? graph._nodes ?? [];

/**
 * The frame of a graph; for a subgraph that is used in several places, the first one.
 *
 * @param {Graph} root
 * @param {Graph} wanted
 * @returns {Frame | null} null if the root doesn't contain it
 */
export function frameOf(root, wanted) {
  /** @type {Frame[]} */
  const frames = [{ graph: root, outer: null, holder: null }];
  for (let at = 0; at < frames.length && at < MOST_NODES; at++) {
    const frame = frames[at];
    if (frame.graph === wanted) return frame;
    for (const node of nodesOf(frame.graph)) {
      if (node.subgraph) frames.push({ graph: node.subgraph, outer: frame, holder: node });
    }
  }
  return null;
}

/**
 * @param {Graph} graph
 * @param {unknown} id
 * @returns {Link | null}
 */
function linkById(graph, id) {
  if (id === null || id === undefined) return null;
  return graph.links?.get?.(id) ?? graph.links?.[/** @type {any} */ (id)] ?? null;
}

/**
 * @param {Graph} graph
 * @returns {Link[]}
 */
function allLinks(graph) {
  const links = graph.links;
  if (!links) return [];
  return typeof links.values === "function" ? [...links.values()] : Object.values(links);
}

/**
 * The source of an input: a node's output, or a primitive's value.
 *
 * @param {Frame} frame
 * @param {GraphNode} node
 * @param {number} slot
 * @returns {Source | { value: unknown } | null}
 */
export function sourceOf(frame, node, slot) {
  /** @type {Link | null | undefined} */
  let link = linkById(frame.graph, node.inputs?.[slot]?.link);
  for (let hops = 0; link && hops < MOST_NODES; hops++) {
    if (Number(link.origin_id) === INPUT_NODE) {
      const { outer, holder } = frame;
      if (!outer || !holder) return null;
      const entry = holder.inputs?.[link.origin_slot];
      const next = linkById(outer.graph, entry?.link);
      if (!next) return promoted(holder, entry);
      [link, frame] = [next, outer];
      continue;
    }
    const origin = frame.graph.getNodeById(link.origin_id);
    if (!origin || origin.mode === NEVER) return null;
    if (origin.mode === BYPASSED) {
      link = linkById(frame.graph, passedThrough(origin, link.origin_slot)?.link);
    } else if (origin.subgraph) {
      const inner = origin.subgraph;
      /** @type {number} */
      const end = link.origin_slot;
      frame = { graph: inner, outer: frame, holder: origin };
      link = allLinks(inner).find((exit) => Number(exit.target_id) === OUTPUT_NODE && exit.target_slot === end);
    } else if (origin.isVirtualNode) {
      const next = origin.getInputLink?.(0) ?? linkById(frame.graph, origin.inputs?.[0]?.link);
      if (!next) return origin.widgets?.length ? { value: origin.widgets[0].value } : null;
      link = next;
    } else {
      return { frame, node: origin, slot: link.origin_slot };
    }
  }
  return null;
}

/**
 * @param {GraphNode} holder
 * @param {Input | undefined} entry
 */
function promoted(holder, entry) {
  const widget = holder.widgets?.find(({ name }) => name === entry?.name);
  return widget ? { value: widget.value } : null;
}

/**
 * The input that a bypassed node passes on, chosen as ComfyUI does.
 *
 * @param {GraphNode} node
 * @param {number} slot
 */
function passedThrough(node, slot) {
  const kind = node.outputs?.[slot]?.type;
  const fits = (/** @type {Input | undefined} */ input) =>
    input !== undefined && (input.type === kind || input.type === "*" || kind === "*");
  const own = node.inputs?.[slot];
  return fits(own) ? own : node.inputs?.find((input) => input.type === kind);
}

/**
 * The part of the prompt graph upstream of one input of a node.
 *
 * @param {Frame} frame
 * @param {GraphNode} node
 * @param {string} inputName
 * @returns {{ graph: Record<string, ApiNode>, node: string } | null} null if nothing is linked to the input
 */
export function upstreamOf(frame, node, inputName) {
  const slot = slotOf(node, inputName);
  if (slot < 0 || !sourceOf(frame, node, slot)) return null;
  /** @type {Record<string, ApiNode>} */
  const graph = {};
  /** @type {{ id: string, frame: Frame, node: GraphNode }[]} */
  const waiting = [];
  /** @type {Map<string, true>} */
  const seen = new Map();
  const enter = (/** @type {Frame} */ where, /** @type {GraphNode} */ what) => {
    const id = pathOf(where, what);
    if (!seen.has(id) && seen.size < MOST_NODES) {
      seen.set(id, true);
      waiting.push({ id, frame: where, node: what });
    }
    return id;
  };
  const first = enter(frame, node);
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const only = next.id === first ? slot : null;
    const title = String(next.node.title ?? "").slice(0, LONGEST_NAME);
    const inputs = inputsOf(next.frame, next.node, only, enter);
    graph[next.id] = { class_type: classOf(next.node), inputs, ...(title && { _meta: { title } }) };
  }
  return { graph, node: first };
}

/**
 * @param {Frame} frame
 * @param {GraphNode} node
 * @param {number | null} only the one input to follow; null for all inputs and the widgets
 * @param {(frame: Frame, node: GraphNode) => string} enter
 */
function inputsOf(frame, node, only, enter) {
  /** @type {Record<string, unknown>} */
  const inputs = {};
  for (const widget of only === null ? (node.widgets ?? []) : []) {
    if (isPlain(widget.value)) inputs[widget.name] = widget.value;
  }
  (node.inputs ?? []).forEach((input, slot) => {
    if ((only !== null && slot !== only) || input.name.length > LONGEST_NAME) return;
    const source = sourceOf(frame, node, slot);
    if (!source) return;
    inputs[input.name] = "value" in source ? source.value : [enter(source.frame, source.node), source.slot];
  });
  return inputs;
}

/** @param {unknown} value */
function isPlain(value) {
  if (typeof value === "string") return value.length <= LONGEST_VALUE;
  if (typeof value === "number" || typeof value === "boolean") return true;
  // LoRA Manager keeps a list with a small object for each LoRA.
  const listed = Array.isArray(value) ? value : /** @type {any} */ (value)?.__value__;
  if (Array.isArray(listed)) return listed.length <= MOST_LISTED && listed.every(isSmallObject);
  return isSmallObject(value);
}

/**
 * Whether a value is an object that some loaders keep for each LoRA.
 *
 * @param {unknown} value
 */
function isSmallObject(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const entries = Object.values(value);
  return (
    entries.length <= 16 &&
    entries.every((entry) => entry === null || ["string", "number", "boolean"].includes(typeof entry))
  );
}

/**
 * @param {Frame} frame
 * @param {GraphNode} node
 * @returns {string}
 */
function pathOf(frame, node) {
  return frame.outer && frame.holder ? `${pathOf(frame.outer, frame.holder)}:${node.id}` : String(node.id);
}

/**
 * @param {GraphNode} node
 * @param {string} name
 */
export function slotOf(node, name) {
  return (node.inputs ?? []).findIndex((input) => input.name === name);
}

/**
 * The nodes that a node's outputs reach, and the nodes reached from there over models, guiders, pipes, plans and schedules.
 * Latents aren't followed, because the next sampler may use another model.
 *
 * @param {Frame} frame
 * @param {GraphNode} node
 * @returns {Source[]}
 */
export function downstreamOf(frame, node) {
  /** @type {Source[]} */
  const places = [];
  const seen = new Set([pathOf(frame, node)]);
  const waiting = targetsOf(frame, node, null);
  for (let next = waiting.shift(); next && places.length < MOST_NODES; next = waiting.shift()) {
    const id = pathOf(next.frame, next.node);
    if (seen.has(id)) continue;
    seen.add(id);
    if (next.node.mode !== BYPASSED) places.push(next);
    waiting.push(...targetsOf(next.frame, next.node, null, 0, !next.node.isVirtualNode));
  }
  return places;
}

/**
 * @param {Frame} frame
 * @param {GraphNode} node
 * @param {number | null} only the one output to follow; null for all
 * @param {number} depth
 * @param {boolean} ofModel whether to follow only the links in OF_MODEL
 * @returns {Source[]}
 */
function targetsOf(frame, node, only, depth = 0, ofModel = false) {
  if (depth > MOST_NODES) return [];
  const followed = (node.outputs ?? []).filter(
    (output, slot) => (only === null || slot === only) && (!ofModel || OF_MODEL.test(String(output.type))),
  );
  const links = followed.flatMap((output) => output.links ?? []);
  return links.flatMap((id) => reached(frame, linkById(frame.graph, id), depth));
}

/**
 * @param {Frame} frame
 * @param {Link | null} link
 * @param {number} depth
 * @returns {Source[]}
 */
function reached(frame, link, depth) {
  if (!link) return [];
  if (Number(link.target_id) === OUTPUT_NODE) {
    return frame.outer && frame.holder ? targetsOf(frame.outer, frame.holder, link.target_slot, depth + 1) : [];
  }
  const node = frame.graph.getNodeById(link.target_id);
  if (!node || node.mode === NEVER) return [];
  if (!node.subgraph) return [{ frame, node, slot: link.target_slot }];
  /** @type {Frame} */
  const inner = { graph: node.subgraph, outer: frame, holder: node };
  const starts = allLinks(inner.graph).filter(
    (entry) => Number(entry.origin_id) === INPUT_NODE && entry.origin_slot === link.target_slot,
  );
  return starts.flatMap((entry) => reached(inner, entry, depth + 1));
}

/**
 * "Compare step counts": adds the node that compares what a selected sampler, decoder or image node makes, with the
 * sampler's own settings and the step counts that suit its model.
 */

import { app } from "../../../scripts/app.js";
import { sampledLike, stepsChange } from "../graph/apply_settings.js";
import { bringIntoView, changing, frameOfNode, write } from "../graph/canvas.js";
import { askForModel } from "../graph/route.js";
import { classOf, slotOf, sourceOf } from "../graph/walk.js";
import { t } from "../parts/words.js";
import { added, wire } from "./surroundings.js";

/** By the type of an output, the node that compares it, and that node's input. @type {Record<string, [string, string]>} */
const NODES = { IMAGE: ["SweetSpotCompareWorkflow", "images"], AUDIO: ["SweetSpotCompareAudio", "audio"] };
/** Samplers that Multi-Step Compare stands in for: it has their inputs, and runs the stock KSampler. */
const SAMPLERS = new Set(["KSampler", "SweetSpotSampler"]);
const WIRED = ["model", "positive", "negative", "latent_image", "plan"];
const COPIED = ["seed", "cfg", "sampler_name", "scheduler", "denoise"];
const GAP = 60;
const LONGEST_WAY = 50;
const label = () => t("command.compare", "Compare step counts");

app.registerExtension({
  name: "SweetSpot.CompareWorkflow",
  commands: [
    {
      id: "SweetSpot.CompareSteps",
      label,
      icon: "pi pi-chart-line",
      function: () => addBehind(selectedNode()),
    },
  ],
  getNodeMenuItems(/** @type {any} */ node) {
    return comparableOutput(node) ? [null, { content: label(), callback: () => addBehind(node) }] : [];
  },
});

function selectedNode() {
  const selected = Object.values(/** @type {any} */ (app.canvas).selected_nodes ?? {});
  return selected.find((node) => comparableOutput(node)) ?? null;
}

/** @param {any} node */
function addBehind(node) {
  const source = node && comparableOutput(node);
  if (!source) {
    app.extensionManager.toast.add({
      severity: "info",
      summary: label(),
      detail: t("command.select", "Select a sampler, a VAE Decode or another node that leads to an image or to audio."),
      life: 5000,
    });
    return;
  }
  const there = comparisonOf(node, source);
  const made =
    there ?? changing(() => (isStandIn(node, source.node) ? addCompare(node, source.node) : addWire(source)));
  /** @type {any} */ (app.canvas).selectNode?.(made);
  bringIntoView(made);
  const sampler = there ? null : samplerAbove(node);
  if (sampler) {
    keepSeed(sampler);
    suitTheModel(made, sampler);
  }
}

/**
 * The comparison of this output that is there already; undefined if there is none.
 *
 * @param {any} node
 * @param {{ node: any, slot: number }} source
 */
function comparisonOf(node, source) {
  const comparing = (/** @type {any} */ other) => {
    if (!isComparison(other)) return false;
    if (other.comfyClass === "SweetSpotCompare")
      return isStandIn(node, source.node) && WIRED.every((name) => sameSource(node, other, name));
    const slot = slotOf(other, NODES[source.node.outputs[source.slot].type][1]);
    const link = slot < 0 ? null : other.getInputLink(slot);
    return link?.origin_id === source.node.id && link.origin_slot === source.slot;
  };
  return (node.graph?._nodes ?? []).find(comparing);
}

const isComparison = (/** @type {any} */ node) => String(node?.comfyClass).startsWith("SweetSpotCompare");

/**
 * @param {any} one
 * @param {any} other
 * @param {string} name of an input of both; one that is missing has no source
 */
function sameSource(one, other, name) {
  const [first, second] = [one, other].map((node) => {
    const slot = slotOf(node, name);
    const link = slot < 0 ? null : node.getInputLink(slot);
    return link ? `${link.origin_id}/${link.origin_slot}` : "";
  });
  return first === second;
}

/**
 * Whether Multi-Step Compare can make what a sampler makes: its image comes straight from a VAE Decode.
 *
 * @param {any} sampler
 * @param {any} decoder
 */
function isStandIn(sampler, decoder) {
  const slot = slotOf(decoder, "samples");
  const above = slot < 0 ? null : sourceOf(/** @type {any} */ (frameOfNode(sampler)), decoder, slot);
  const isAbove = above !== null && !("value" in above) && above.node === sampler;
  return SAMPLERS.has(classOf(sampler)) && classOf(decoder) === "VAEDecode" && isAbove;
}

/**
 * @param {any} sampler
 * @param {any} decoder
 */
function addCompare(sampler, decoder) {
  const made = added(sampler, "SweetSpotCompare", [decoder.pos[0] + decoder.size[0] + GAP, sampler.pos[1]]);
  for (const name of WIRED) wire(sampler, name, made, name);
  wire(decoder, "vae", made, "vae");
  for (const name of COPIED) {
    const [from, to] = [sampler, made].map((node) => node.widgets.find((/** @type {any} */ one) => one.name === name));
    if (from && to) to.value = from.value;
    // What comes from elsewhere comes from there here, too.
    wire(sampler, name, made, name);
  }
  return made;
}

/** @param {{ node: any, slot: number }} source */
function addWire(source) {
  const [kind, input] = NODES[source.node.outputs[source.slot].type];
  const made = added(source.node, kind, [source.node.pos[0] + source.node.size[0] + GAP, source.node.pos[1]]);
  source.node.connect(source.slot, made, slotOf(made, input));
  return made;
}

/**
 * Keep the sampler's seed between runs, so that a second comparison only computes what is new.
 *
 * @param {any} sampler
 */
function keepSeed(sampler) {
  const frame = frameOfNode(sampler);
  const changes = frame ? sampledLike({ frame, node: sampler }, null) : [];
  write(changes.filter(({ value }) => value === "fixed"));
}

/**
 * Fill in the step counts that suit the sampler's model, if it is recognised, and the sampler's own.
 *
 * @param {any} made
 * @param {any} sampler
 */
async function suitTheModel(made, sampler) {
  const answer = (await askForModel(sampler))?.answer;
  const frame = frameOfNode(made);
  const widget = made.widgets?.find((/** @type {Widget} */ one) => one.name === "steps");
  if (!frame || !widget) return;
  const counts = answer?.counts?.length ? answer.counts : String(widget.value).split(",").map(Number);
  const own = stepsChange(0, sampler).map(({ widget }) => Number(widget.value));
  const wanted = [...new Set([...counts, ...own])].filter((count) => count > 0).sort((left, right) => left - right);
  write([{ node: made, widget, value: wanted.join(", ") }]);
}

/**
 * The sampler itself, or the nearest one above a decoder or image node.
 *
 * @param {any} start
 */
function samplerAbove(start) {
  const frame = frameOfNode(start);
  const waiting = frame ? [start] : [];
  for (let at = 0; at < waiting.length && at < LONGEST_WAY; at++) {
    const node = waiting[at];
    const inputs = node.inputs ?? [];
    if (slotOf(node, "model") >= 0 && slotOf(node, "latent_image") >= 0) return node;
    inputs.forEach((/** @type {any} */ input, /** @type {number} */ slot) => {
      if (input.type !== "LATENT" && input.type !== "IMAGE") return;
      const above = sourceOf(/** @type {Frame} */ (frame), node, slot);
      if (above && !("value" in above) && !waiting.includes(above.node)) waiting.push(above.node);
    });
  }
  return null;
}

/**
 * The nearest output with images or sound: the node's own, or that of a node behind it.
 *
 * @param {any} start
 * @returns {{ node: any, slot: number } | null}
 */
function comparableOutput(start) {
  const waiting = isComparison(start) ? [] : [start];
  for (let at = 0; at < waiting.length && at < LONGEST_WAY; at++) {
    const node = waiting[at];
    const slot = (node?.outputs ?? []).findIndex((/** @type {any} */ output) => output.type in NODES);
    if (slot >= 0) return { node, slot };
    for (const output of node?.outputs ?? []) {
      // Only latents lead to what a sampler makes.
      if (output.type !== "LATENT" && output.type !== "*") continue;
      for (const id of output.links ?? []) {
        const link = node.graph?.links?.get?.(id) ?? node.graph?.links?.[id];
        const next = link && node.graph.getNodeById(link.target_id);
        if (next && !waiting.includes(next)) waiting.push(next);
      }
    }
  }
  return null;
}

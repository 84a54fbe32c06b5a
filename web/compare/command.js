/**
 * "Compare step counts": adds the node that compares what a selected sampler, decoder or image node makes, with the
 * sampler's own settings and the step counts that suit its model.
 */

import { app } from "../../../scripts/app.js";
import { sampledLike } from "../graph/apply_settings.js";
import { changing, frameOfNode, write } from "../graph/canvas.js";
import { askForModel } from "../graph/route.js";
import { classOf, slotOf, sourceOf } from "../graph/walk.js";
import { t } from "../parts/words.js";
import { mended } from "./advice.js";
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
  const sampler = samplerAbove(node);
  const made = changing(() => (isStandIn(node, source.node) ? addCompare(node, source.node) : addWire(source)));
  /** @type {any} */ (app.canvas).selectNode?.(made);
  if (sampler) {
    keepSeed(sampler);
    suitTheModel(made, sampler);
  }
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
 * Fill in the step counts that suit the sampler's model, if it is recognised.
 *
 * @param {any} made
 * @param {any} sampler
 */
async function suitTheModel(made, sampler) {
  const answer = (await askForModel(sampler))?.answer;
  if (!answer?.counts?.length || !frameOfNode(made)) return;
  write(mended(made, answer).filter(({ widget }) => widget.name === "steps"));
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
  const waiting = [start];
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

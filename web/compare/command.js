/** "Compare step counts": adds the node that compares a workflow behind a selected sampler, decoder or image node. */

import { app } from "../../../scripts/app.js";
import { slotOf } from "../graph/walk.js";

/** By the type of an output, the node that compares it, and that node's input. @type {Record<string, [string, string]>} */
const NODES = { IMAGE: ["SweetSpotCompareWorkflow", "images"], AUDIO: ["SweetSpotCompareAudio", "audio"] };
const LABEL = "Compare step counts";
const GAP = 60;
const LONGEST_WAY = 50;

app.registerExtension({
  name: "SweetSpot.CompareWorkflow",
  commands: [
    {
      id: "SweetSpot.CompareSteps",
      label: LABEL,
      icon: "pi pi-chart-line",
      function: () => addBehind(selectedNode()),
    },
  ],
  getNodeMenuItems(/** @type {any} */ node) {
    return comparableOutput(node) ? [null, { content: LABEL, callback: () => addBehind(node) }] : [];
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
      summary: LABEL,
      detail: "Select a sampler, a VAE Decode or another node that leads to an image or to audio.",
      life: 5000,
    });
    return;
  }
  const canvas = /** @type {any} */ (app.canvas);
  canvas.emitBeforeChange?.();
  try {
    const [kind, input] = NODES[source.node.outputs[source.slot].type];
    const added = /** @type {any} */ (globalThis).LiteGraph.createNode(kind);
    added.pos = [source.node.pos[0] + source.node.size[0] + GAP, source.node.pos[1]];
    node.graph.add(added);
    source.node.connect(source.slot, added, slotOf(added, input));
    canvas.selectNode?.(added);
  } finally {
    canvas.emitAfterChange?.();
  }
  canvas.setDirty?.(true, true);
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

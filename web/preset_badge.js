/** Shows on Model Step Preset, before any run, which model is connected and what is recommended for it. */

import { app } from "../../scripts/app.js";
import { nameOf, propose, settingsTargets } from "./apply_settings.js";
import { askForModel, frameOfNode, valueOf, watchGraph, watchWidgets, write } from "./canvas.js";
import { addPanel, make } from "./panel.js";
import { planOf, settingsOf, toBadge } from "./recognition.js";

/**
 * @import { Answer, Badge } from "./recognition.js"
 * @import { CanvasNode } from "./panel.js"
 */

const NODE = "SweetSpotPreset";
const HEIGHT = 168;

app.registerExtension({
  name: "SweetSpot.PresetBadge",

  nodeCreated(node) {
    if (node.comfyClass === NODE) new PresetBadge(node);
  },
});

class PresetBadge {
  /** @param {CanvasNode} node */
  constructor(node) {
    this.node = node;
    /** @type {Answer | null} */
    this.answer = null;
    this.problem = "";
    this.key = "";
    this.body = make("div", { className: "ss-badge-body" });
    this.said = make("span", { className: "ss-said", role: "status" });
    this.button = make("button", { type: "button", onclick: () => this.apply() }, "Apply to sampler");
    this.button.title = "Write these settings into the sampler that is connected; Ctrl+Z takes it back";
    addPanel(node, "sweetspot_badge", make("div", { className: "ss-badge" }, this.body, make("div", { className: "ss-row" }, this.button, this.said)), { least: HEIGHT });
    const refresh = () => this.refresh();
    watchGraph(node, refresh);
    watchWidgets(node, ["variant", "evidence"], refresh);
    watchWidgets(node, ["quality"], () => this.show());
    this.show();
  }

  get quality() {
    return String(valueOf(this.node, "quality") ?? "balanced");
  }

  async refresh() {
    const { node } = this;
    const asked = askForModel(node, { variant: valueOf(node, "variant"), evidence: valueOf(node, "evidence") });
    if (!asked) {
      [this.key, this.answer, this.problem] = ["", null, ""];
      this.show();
      return;
    }
    if (asked.key === this.key) return;
    this.key = asked.key;
    const { answer, problem } = await asked.reply;
    // The graph may have changed while the server was asked.
    if (asked.key !== this.key) return;
    [this.answer, this.problem] = [answer, problem];
    if (!answer) this.key = "";
    this.show();
  }

  show() {
    this.said.textContent = "";
    this.button.disabled = this.answer === null;
    if (this.answer) {
      this.body.replaceChildren(...badgeElements(toBadge(this.answer, this.quality, this.problem)));
    } else {
      const text = this.problem || "Connect a model to see what is recommended for it.";
      this.body.replaceChildren(make("div", { className: this.problem ? "ss-warning" : "ss-hint" }, text));
    }
  }

  apply() {
    const frame = frameOfNode(this.node);
    if (!this.answer || !frame) return;
    const targets = settingsTargets(frame, /** @type {any} */ (this.node));
    const { changes, left } = propose(settingsOf(planOf(this.answer, this.quality)), targets);
    write(changes);
    this.said.textContent = appliedText(changes.map(({ node }) => nameOf(node)), left, targets.length);
  }
}

/**
 * @param {string[]} written
 * @param {string[]} left
 * @param {number} targets
 */
function appliedText(written, left, targets) {
  if (targets === 0) return "No sampler is connected to this node.";
  const names = [...new Set(written)].join(", ");
  const done = names ? `Written to ${names}.` : "Nothing to change.";
  return left.length ? `${done} Left: ${left.join("; ")}.` : done;
}

/**
 * @param {Badge} badge
 * @returns {HTMLElement[]}
 */
function badgeElements(badge) {
  const sources = badge.details.join("\n");
  const counts = badge.counts.map(({ quality, steps, chosen, source }) =>
    make("div", { className: chosen ? "ss-count ss-chosen" : "ss-count", title: `${quality}: ${source}` },
      make("b", {}, String(steps)), make("span", {}, quality)),
  );
  return [
    make("div", { className: "ss-title", title: sources },
      make("b", {}, badge.title), make("span", { className: badge.sure ? "ss-chip ss-sure" : "ss-chip ss-unsure" }, badge.confidence)),
    ...badge.warnings.map((text) => make("div", { className: "ss-warning" }, text)),
    make("div", { className: "ss-counts" }, ...counts),
    make("div", { className: "ss-settings", title: sources }, badge.settings),
    make("details", { className: "ss-sources" }, make("summary", {}, "Sources"), ...badge.details.map((text) => make("div", {}, text))),
  ];
}

/** Shows on Model Step Preset which model is connected and what is recommended for it, before any run. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { nameOf, propose, settingsTargets } from "../graph/apply_settings.js";
import {
  frameOfNode,
  moveCanvasThrough,
  nodeByExecutionId,
  valueOf,
  watchGraph,
  watchWidgets,
  write,
} from "../graph/canvas.js";
import { askForModel, forgetAnswers } from "../graph/route.js";
import { addPanel, chain, make } from "../parts/panel.js";
import { t } from "../parts/words.js";
import { planOf, settingsOf, toBadge } from "./recognition.js";

const NODE = "SweetSpotPreset";
const HEIGHT = 150;
/** Height of the button and margins, in the graph's pixels. */
const REST = 66;

app.registerExtension({
  name: "SweetSpot.PresetBadge",

  setup() {
    api.addEventListener("executed", ({ detail }) => {
      if (nodeByExecutionId(detail.node)?.comfyClass === "SweetSpotSavePreset") forgetAnswers();
    });
  },

  // ComfyUI's "refresh": files may have been added or removed.
  refreshComboInNodes: forgetAnswers,

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
    /** @type {ReturnType<typeof askForModel>} */
    this.reply = null;
    this.body = make("div", { className: "ss-badge-body" });
    /** What the connected samplers have instead of these settings. */
    this.others = make("div", { className: "ss-warning", hidden: true });
    this.status = make("span", { className: "ss-said", role: "status" });
    this.button = make("button", { type: "button", onclick: () => this.apply() }, t("badge.apply", "Apply to sampler"));
    this.button.title = t("badge.applyHelp", "Write these settings into the connected samplers. Ctrl+Z undoes this");
    const scrolled = make("div", { className: "ss-badge-scrolled" }, this.body);
    const panel = make(
      "div",
      { className: "ss-badge" },
      scrolled,
      make("div", { className: "ss-row" }, this.button, this.status),
    );
    const resize = addPanel(node, "sweetspot_badge", panel, { least: HEIGHT });
    // The content's height doesn't depend on the node's, so resizing can't trigger another measurement for ever.
    const observer = new ResizeObserver(() => resize(Math.max(HEIGHT, this.body.offsetHeight + REST)));
    chain(node, "onAdded", () => observer.observe(this.body));
    chain(node, "onRemoved", () => observer.disconnect());
    moveCanvasThrough(panel);
    const refresh = () => this.refresh();
    watchGraph(node, refresh);
    watchWidgets(node, ["variant", "min_confidence"], refresh);
    watchWidgets(node, ["quality"], () => this.show());
    // Samplers' own widgets don't change the graph's links, so look when somebody comes to apply.
    panel.addEventListener("pointerenter", () => this.showChanges());
    this.show();
  }

  get quality() {
    return String(valueOf(this.node, "quality") ?? "balanced");
  }

  async refresh() {
    const { node } = this;
    const reply = askForModel(node, {
      variant: valueOf(node, "variant") ?? undefined,
      min_confidence: valueOf(node, "min_confidence") ?? undefined,
    });
    if (reply !== null && reply === this.reply) return;
    this.reply = reply;
    const { answer, problem } = (await reply) ?? { answer: null, problem: "" };
    // The graph may have changed while the request was under way.
    if (reply !== this.reply) return;
    [this.answer, this.problem] = [answer, problem];
    this.show();
  }

  show() {
    this.status.textContent = "";
    this.button.disabled = this.answer === null;
    if (this.answer) {
      const badge = toBadge(this.answer, this.quality, this.problem);
      this.body.replaceChildren(this.others, ...badgeElements(badge, (quality) => this.choose(quality)));
    } else {
      const text = this.problem || t("badge.connect", "Connect a model to see the recommended settings.");
      this.body.replaceChildren(make("div", { className: this.problem ? "ss-warning" : "ss-hint" }, text));
    }
    this.showChanges();
  }

  /** Show which settings of the connected samplers differ. */
  showChanges() {
    // The safe default is no reason to doubt a sampler's settings.
    const changes = this.answer?.name ? this.proposal().changes : [];
    const text = changes.map(({ node, widget, value }) =>
      t("badge.differs", "{node}: {name} is {now}, not {value}", {
        node: nameOf(node),
        name: widget.name,
        now: String(widget.value),
        value: String(value),
      }),
    );
    this.others.hidden = text.length === 0;
    this.others.textContent = text.join("; ");
  }

  /** What to write into the connected samplers, and how many there are. */
  proposal() {
    const frame = frameOfNode(this.node);
    if (!this.answer || !frame) return { changes: [], left: [], targets: [] };
    const targets = settingsTargets(frame, /** @type {any} */ (this.node));
    return { ...propose(settingsOf(planOf(this.answer, this.quality)), targets), targets };
  }

  /** @param {string} quality */
  choose(quality) {
    const widget = this.node.widgets?.find(({ name }) => name === "quality");
    if (widget) write([{ node: /** @type {any} */ (this.node), widget: /** @type {any} */ (widget), value: quality }]);
  }

  apply() {
    const { changes, left, targets } = this.proposal();
    if (!this.answer) return;
    write(changes);
    this.showChanges();
    this.status.textContent = appliedText(
      changes.map(({ node }) => nameOf(node)),
      left,
      targets.length,
    );
  }
}

/**
 * @param {string[]} written
 * @param {string[]} left
 * @param {number} targets
 */
function appliedText(written, left, targets) {
  if (targets === 0) return t("badge.noSampler", "No sampler is connected. Link the output model to one.");
  const names = [...new Set(written)].join(", ");
  const summary = names ? t("badge.written", "Written to {names}.", { names }) : t("badge.same", "Nothing to change.");
  return left.length ? t("badge.left", "{summary} Not changed: {left}.", { summary, left: left.join("; ") }) : summary;
}

/**
 * @param {Badge} badge
 * @param {(quality: string) => void} choose
 * @returns {HTMLElement[]}
 */
function badgeElements(badge, choose) {
  const sources = badge.details.join("\n");
  const counts = badge.counts.map(({ quality, steps, chosen, source }) => {
    const about = {
      type: "button",
      className: chosen ? "ss-count ss-chosen" : "ss-count",
      title: `${quality}: ${source}`,
    };
    return make(
      "button",
      { ...about, onclick: () => choose(quality) },
      make("b", {}, String(steps)),
      make("span", {}, quality),
    );
  });
  return [
    make(
      "div",
      { className: "ss-title", title: sources },
      make("b", {}, badge.title),
      make("span", { className: badge.sure ? "ss-chip ss-sure" : "ss-chip ss-unsure" }, badge.confidence),
    ),
    make("div", {}, badge.sentence),
    ...badge.warnings.map((text) => make("div", { className: "ss-warning" }, text)),
    make("div", { className: "ss-counts" }, ...counts),
    make("div", { className: "ss-settings", title: sources }, badge.settings),
    make(
      "details",
      { className: "ss-sources" },
      make("summary", {}, t("badge.sources", "Sources")),
      ...badge.details.map((text) => make("div", {}, text)),
    ),
  ];
}

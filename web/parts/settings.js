/** The settings page, Settings > Sweet Spot. The server reads the same file: see nodes/model/user_settings.py. */

import { app } from "../../../scripts/app.js";
import { forgetAnswers } from "../graph/route.js";

const ACCENT = "3fa7d6";

/** @param {string} name */
export const setting = (name) =>
  app.extensionManager.setting.get(/** @type {any} */ (`SweetSpot.${name}`)) ?? undefined;

/**
 * A setting, as ComfyUI takes it.
 *
 * @param {string} name
 * @param {string} type
 * @param {unknown} defaultValue
 * @param {Record<string, any>} more
 */
const entry = (name, type, defaultValue, more) =>
  /** @type {any} */ ({
    id: `SweetSpot.${name}`,
    category: ["Sweet Spot", more.group, name],
    type,
    defaultValue,
    ...more,
  });

app.registerExtension({
  name: "SweetSpot.Settings",
  settings: [
    entry("Quality", "combo", "balanced", {
      group: "Model Step Preset",
      name: "Quality of new presets",
      options: ["draft", "balanced", "best"],
      tooltip: "Prompts sent to the API use it, too, if they don't say one.",
    }),
    entry("Prefer", "combo", "template", {
      group: "Model Step Preset",
      name: "Whose step count balanced uses",
      options: ["template", "publisher"],
      tooltip: "If both ComfyUI's official template and the model's publisher give a number.",
      onChange: () => forgetAnswers(),
    }),
    entry("Steps", "text", "4, 25, 50", {
      group: "Comparison",
      name: "Step counts of new comparisons",
      tooltip: "Numbers, ranges such as 8..32:8, or auto.",
    }),
    entry("Threshold", "number", 89.5, {
      group: "Comparison",
      name: "Visible below this similarity (%)",
      attrs: { min: 50, max: 99.9, step: 0.5, minFractionDigits: 1 },
      tooltip: "For comparisons without Compare Options. 89.5: side by side. 94: flipped in place.",
    }),
    entry("Memory", "number", 1024, {
      group: "Comparison",
      name: "Memory for finished images (MB)",
      attrs: { min: 0, max: 1048576, step: 256 },
      tooltip: "For comparisons without Compare Options. 0 keeps none.",
    }),
    entry("Accent", "color", ACCENT, {
      group: "Appearance",
      name: "Accent colour",
      onChange: (/** @type {string} */ value) => {
        const colour = /^[0-9a-f]{6}$/i.test(value) ? value : ACCENT;
        document.documentElement.style.setProperty("--ss-accent-chosen", `#${colour}`);
      },
    }),
  ],

  nodeCreated(node) {
    const kind = String(node.comfyClass);
    if (kind === "SweetSpotPreset") begin(node, "quality", setting("Quality"));
    if (kind.startsWith("SweetSpotCompare")) begin(node, "steps", setting("Steps"));
  },
});

/**
 * Give a new node's widget the user's own default. A loaded node gets its saved value after this.
 *
 * @param {CanvasNode} node
 * @param {string} name
 * @param {unknown} value
 */
function begin(node, name, value) {
  const widget = node.widgets?.find((one) => one.name === name);
  if (widget && typeof value === "string" && value.trim()) widget.value = value;
}

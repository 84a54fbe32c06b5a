/** Buttons and lists of a panel. */

import { make } from "./panel.js";

/**
 * @param {string} label
 * @param {string[]} names
 * @param {number} chosen
 * @param {(at: number) => void} choose
 * @param {boolean} [prefix] whether each name stands behind the label
 */
export function picker(label, names, chosen, choose, prefix = true) {
  const select = make(
    "select",
    { title: label, "aria-label": label },
    ...names.map((name) => make("option", {}, prefix ? `${label} ${name}` : name)),
  );
  select.selectedIndex = chosen;
  select.addEventListener("change", () => choose(select.selectedIndex));
  return select;
}

/**
 * @param {Record<string, any>} properties
 * @param {string} text
 */
export function button(properties, text) {
  return make("button", { type: "button", ...properties }, text);
}

/**
 * A button with one of ComfyUI's own icons.
 *
 * @param {string} name of the icon
 * @param {string} title
 * @param {() => void} onclick
 */
export function icon(name, title, onclick) {
  return make(
    "button",
    { type: "button", title, "aria-label": title, onclick },
    make("i", { className: `pi ${name}` }),
  );
}

/** Buttons and lists of a panel. */

import { make } from "./panel.js";

/**
 * @param {string} label
 * @param {string[]} names
 * @param {number} chosen
 * @param {(at: number) => void} choose
 */
export function picker(label, names, chosen, choose) {
  const select = make(
    "select",
    { title: label, "aria-label": label || "choose" },
    ...names.map((name) => make("option", {}, label && names.length > 1 ? `${label} ${name}` : name)),
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

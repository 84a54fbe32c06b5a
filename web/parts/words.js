/**
 * The texts that the page shows, in the language that ComfyUI is set to. English stands in the code, and again in
 * locales/en/main.json for translators; the other languages are in locales/.
 */

/** @type {Record<string, any>} */
let words = {};

/** @param {Record<string, any>} texts by code; nested as in `main.json`, below `sweetspot` */
export function setWords(texts) {
  words = texts;
}

/**
 * A text in the page's language.
 *
 * @param {string} code its name, e.g. `viewer.fit`
 * @param {string} english the text; ` | ` separates the form for one step from that for several
 * @param {Record<string, any>} [values] what stands in the braces
 */
export function t(code, english, values = {}) {
  const found = code.split(".").reduce((/** @type {any} */ at, part) => at?.[part], words);
  const forms = (typeof found === "string" ? found : english).split(" | ");
  const form = values.steps === 1 ? forms[0] : forms[forms.length - 1];
  return form.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * A sentence of the server in the page's language; its own English if there is no translation.
 *
 * @param {Message} message
 */
export const say = ({ code, text, values }) => t(code, text.replaceAll(" | ", " / "), values);

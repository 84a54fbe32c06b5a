/**
 * The texts that the page shows, in the language that ComfyUI is set to. English stands in the code, and again in
 * locales/en/main.json for translators; the other languages are in locales/.
 */

const [LONGEST, MOST_PARTS] = [4000, 64];

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
 * What the server says in the page's language; its own English where there is no translation.
 *
 * @param {Spoken} said
 * @returns {string}
 */
export function say(said) {
  if (typeof said === "string") return said;
  if (Array.isArray(said)) return said.map(say).join(" ");
  const values = Object.entries(said.values).map(([name, value]) => [
    name,
    value !== null && typeof value === "object" ? say(value) : value,
  ]);
  return t(said.code, said.text.replaceAll(" | ", " / "), Object.fromEntries(values));
}

const MOST_DEEP = 4;

/**
 * A saved or sent value as something to say; an empty text if it isn't that.
 *
 * @param {any} value
 * @param {number} [deep] how many messages it is within
 * @returns {Spoken}
 */
export function checkedWords(value, deep = 0) {
  if (typeof value === "string") return value.slice(0, LONGEST);
  if (deep > MOST_DEEP) return "";
  if (Array.isArray(value)) return value.slice(0, MOST_PARTS).map((part) => checkedWords(part, deep + 1));
  if (typeof value?.code !== "string" || typeof value.text !== "string") return "";
  const values = Object.entries(value.values ?? {}).map(([name, of]) => [
    name,
    typeof of === "number" ? of : checkedWords(of, deep + 1),
  ]);
  return { code: value.code, text: value.text.slice(0, LONGEST), values: Object.fromEntries(values) };
}

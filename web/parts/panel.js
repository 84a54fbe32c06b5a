/** What our panels are made of: elements of text, never of HTML. */

const MARGIN = 10;

/**
 * Make an element; what stands in a text stays text.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties] set on the element; `on…` are listeners, `data` its data attributes
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name.startsWith("aria-") || name === "role") element.setAttribute(name, value);
    else /** @type {any} */ (element)[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let styled = false;

/** Load the pack's style sheet, once. */
function loadStyles() {
  if (!styled)
    document.head.append(make("link", { rel: "stylesheet", href: new URL("../sweetspot.css", import.meta.url).href }));
  styled = true;
}

/**
 * Put a panel on a node; it is neither in the saved workflow nor in the prompt.
 *
 * @param {CanvasNode} node
 * @param {string} name
 * @param {HTMLElement} element
 * @param {{ least: number, most?: number }} height in pixels of the graph
 * @returns {(least: number) => void} makes the panel at least that high from then on
 */
export function addPanel(node, name, element, { least, most }) {
  loadStyles();
  element.classList.add("sweetspot");
  // Nodes 2.0 goes by the element's own height; the canvas adds a margin around it.
  const setLeast = (/** @type {number} */ height) => {
    least = height;
    element.style.minHeight = `${height - 2 * MARGIN}px`;
  };
  setLeast(least);
  // A click in the panel is no click on the canvas below it.
  for (const name of ["pointerdown", "mousedown", "dblclick"]) {
    element.addEventListener(
      name,
      (event) => /** @type {MouseEvent} */ (event).button === 0 && event.stopPropagation(),
    );
  }
  // The published types do not tell of it.
  const widget = /** @type {any} */ (node).addDOMWidget(name, name, element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => least,
    ...(most ? { getMaxHeight: () => most } : {}),
  });
  widget.serialize = false;
  const grow = () => {
    const [width, height] = node.size;
    node.setSize([width, Math.max(height, node.computeSize()[1])]);
  };
  grow();
  // A workflow that was saved before the panel was there gives the node a smaller size.
  chain(node, "onConfigure", grow);
  return (height) => {
    setLeast(height);
    grow();
  };
}

/**
 * Call a function after one of a node's own callbacks.
 *
 * @param {any} node
 * @param {string} name
 * @param {() => void} after
 */
export function chain(node, name, after) {
  const before = node[name];
  node[name] = function (/** @type {any[]} */ ...given) {
    const result = before?.apply(this, given);
    after();
    return result;
  };
}

/**
 * A function that runs another one once a frame at most.
 *
 * @param {() => void} run
 */
export function oncePerFrame(run) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      run();
    });
  };
}

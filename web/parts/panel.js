/** Builds our panels. Texts are always set as text, never as HTML. */

const MARGIN = 10;
/** How long ComfyUI may take to show a node, in ms. */
const PLACING = 300;

/**
 * Make an element. Strings among the children become text nodes, so markup in them stays text.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties] set on the element; `on…` adds a listener, `data` sets data attributes
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

/** Load the pack's style sheet once. */
function loadStyles() {
  if (!styled)
    document.head.append(make("link", { rel: "stylesheet", href: new URL("../sweetspot.css", import.meta.url).href }));
  styled = true;
}

/**
 * Add a panel to a node. It is saved neither in the workflow nor in the prompt.
 *
 * @param {CanvasNode} node
 * @param {string} name
 * @param {HTMLElement} element
 * @param {{ least: number, most?: number }} height in the graph's pixels
 * @returns {(least: number) => void} changes the panel's least height, and the node's with it
 */
export function addPanel(node, name, element, { least, most }) {
  loadStyles();
  element.classList.add("sweetspot");
  // Nodes 2.0 uses the element's own height; the canvas adds a margin around it.
  const setLeast = (/** @type {number} */ height) => {
    least = height;
    element.style.minHeight = `${height - 2 * MARGIN}px`;
  };
  setLeast(least);
  // A click in the panel must not reach the canvas below it.
  for (const name of ["pointerdown", "mousedown", "dblclick"]) {
    element.addEventListener(
      name,
      (event) => /** @type {MouseEvent} */ (event).button === 0 && event.stopPropagation(),
    );
  }
  // `addDOMWidget` is missing from the published types.
  const widget = /** @type {any} */ (node).addDOMWidget(name, name, element, {
    serialize: false,
    hideOnZoom: false,
    // The properties panel can't show an element: it would draw a row with our name.
    hideInPanel: true,
    getMinHeight: () => least,
    ...(most ? { getMaxHeight: () => most } : {}),
  });
  widget.serialize = false;
  // ComfyUI writes the width of its properties panel here, which would stay after the panel is closed.
  Object.defineProperty(widget, "width", { get: () => undefined, set: () => {}, configurable: true });
  const fit = (/** @type {boolean} */ shrink) => {
    const [width, height] = node.size;
    const needed = node.computeSize()[1];
    node.setSize([width, shrink ? needed : Math.max(height, needed)]);
    node.setDirtyCanvas(true, true);
  };
  fit(false);
  // A workflow saved before the panel existed gives the node a smaller size.
  chain(node, "onConfigure", () => fit(false));
  chain(node, "onAdded", () => takePlace(node, name, element));
  return (height) => {
    // A node that somebody has made taller keeps its height.
    const snug = node.size[1] <= node.computeSize()[1] + 1;
    setLeast(height);
    fit(snug);
  };
}

/** The newest panels by graph, node and name. @type {Map<string, WeakRef<HTMLElement>>} */
const newest = new Map();

/**
 * Put a panel in the place of the one of an earlier node with the same id.
 *
 * Undo makes all nodes anew, but Nodes 2.0 goes on showing the elements of the old ones.
 *
 * @param {any} node
 * @param {string} name
 * @param {HTMLElement} element
 */
function takePlace(node, name, element) {
  const key = `${node.graph?.id}/${node.id}/${name}`;
  const earlier = newest.get(key)?.deref();
  newest.set(key, new WeakRef(element));
  if (earlier && earlier !== element)
    setTimeout(() => !element.isConnected && earlier.isConnected && earlier.replaceWith(element), PLACING);
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
 * Return a function that calls `run` at most once a frame.
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

const [MUTED, BYPASSED] = [2, 4];

/**
 * Stop the core from showing a node's pictures and live previews below the panel, which shows them itself.
 *
 * @param {any} node
 * @param {HTMLElement} panel
 */
export function hideCorePictures(node, panel) {
  node.hideOutputImages = true;
  node.onDrawBackground = () => {
    // The canvas dims muted and bypassed nodes, but not what is laid over them.
    panel.style.opacity = node.mode === MUTED || node.mode === BYPASSED ? "0.4" : "";
  };
}

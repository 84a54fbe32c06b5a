import { app } from "../../scripts/app.js";
import { api } from "../../scripts/api.js";
import { describeProgress } from "./trace_text.js";

const NODES = new Set(["SweetSpotSampler", "SweetSpotWrapSampler", "SweetSpotReadTrace"]);
const WIDGET = "sweetspot_progress";
const HEIGHT = 64;

/** Shows on our sampling nodes what the running step does, and what the run did once it is over. */
app.registerExtension({
  name: "SweetSpot.LiveTrace",

  setup() {
    api.addEventListener("sweetspot.trace", ({ detail }) => show(detail.node, describeProgress(detail)));
    api.addEventListener("executed", ({ detail }) => {
      const text = detail.output?.trace && detail.output.text;
      if (text) show(detail.display_node ?? detail.node, text.join("\n"));
    });
  },

  nodeCreated(node) {
    if (!NODES.has(node.comfyClass)) return;
    const element = document.createElement("div");
    Object.assign(element.style, { fontSize: "11px", opacity: "0.8", whiteSpace: "pre-wrap", overflowY: "auto" });
    const widget = node.addDOMWidget(WIDGET, WIDGET, element, {
      serialize: false,
      hideOnZoom: true,
      getMinHeight: () => HEIGHT,
      getMaxHeight: () => HEIGHT,
    });
    // Neither in the saved workflow nor in the prompt: it is shown, not asked for.
    widget.serialize = false;
  },
});

/** Put text, never HTML, on the node of an execution id such as `7`, or `3:7` inside a subgraph. */
function show(id, text) {
  const node = findNode(String(id).split(":"));
  const widget = node?.widgets?.find((candidate) => candidate.name === WIDGET);
  if (widget?.element) widget.element.textContent = text;
}

function findNode(path) {
  let graph = app.rootGraph ?? app.graph;
  let node;
  for (const id of path) {
    node = graph?.getNodeById(Number(id)) ?? graph?.getNodeById(id);
    graph = node?.subgraph;
  }
  return node;
}

"""Walks a prompt graph upstream to find the files and LoRAs behind a MODEL.

The graph is ComfyUI's prompt in API form: node id -> class_type and inputs. An input is a value or a link
`[node id, output number]`. Apart from switches, no node class is hard-coded. Inputs are recognised by their names and
by what their values look like, so loaders from other packs work too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from .model_files import is_model_file

Node = dict[str, Any]
Graph = dict[str, Node]
Link = tuple[str, int]

# Limits on the depth of the walk and on the branches that are followed. Real graphs are never so deep; each open switch
# multiplies the branches.
MOST_NODES = 200
MOST_BRANCHES = 32

# Names of inputs that may carry a model, and of those that never do.
_MODEL_INPUT = re.compile(r"(^|_)(model|unet|diffusion|transformer|base|pipe|pipeline|guider)s?(_?\d+)?($|_)")
_OTHER_INPUT = re.compile(
    r"clip|vae|image|latent|mask|conditioning|positive|negative|noise|sampler|sigmas|control_?net|text|prompt|audio|video"
    r"|patch|motion|m_models|style|embed|weight_name|pulid|ip_?adapter"
)
_LORA_INPUT = re.compile(r"lora")
_NO_MODEL_FILE = (
    r"lora|clip|vae|control|upscale|patch|motion|m_models|text_encoder|style|embed|weight_name|pulid|adapter"
)
_STRENGTH = ("strength_model", "strength", "lora_strength", "model_strength", "lora_wt", "weight")
_DIGITS = "0123456789"
_LARGEST = 1e6
_SWITCHES = {"ComfySwitchNode": ("switch", "on_true", "on_false")}


@dataclass(frozen=True)
class Lora:
    """A LoRA that is applied to the model.

    Attributes:
        name: its file name.
        strength: its strength on the model, None if unknown.
    """

    name: str
    strength: float | None = None


@dataclass(frozen=True)
class Branch:
    """One path from a sampler up to a loader.

    Attributes:
        files: names of the base model's file; several for a merge.
        loras: LoRAs on the path, starting at the loader.
        nodes: nodes on the path with their class and inputs, starting at the sampler.
    """

    files: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    nodes: tuple[Node, ...] = field(default=())


@dataclass(frozen=True)
class Upstream:
    """What is upstream of a model input, over all branches.

    Attributes:
        files: names of the base model's file; several for a merge or an open switch.
        loras: LoRAs that every branch has, starting at the loader.
        doubts: how the branches differ, one sentence each.
    """

    files: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    doubts: tuple[str, ...] = ()


def link_of(value: Any) -> Link | None:
    """Return a link's node id and output number, or None if the value is not a link."""
    if isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str | int):
        return (str(value[0]), value[1]) if isinstance(value[1], int) else None
    return None


def value_of(graph: Graph, value: Any, most: int = 32) -> Any:
    """Return the value behind links to primitives, reroutes and decided switches, or None if it is undecided."""
    for _ in range(most):
        link = link_of(value)
        if link is None:
            return None if isinstance(value, list | dict) else value
        inputs = graph.get(link[0], {}).get("inputs", {})
        switched = _decided(graph, graph.get(link[0], {}))
        if switched is not None:
            value = switched
        elif len(inputs) == 1:
            value = next(iter(inputs.values()))
        elif "value" in inputs:
            value = inputs["value"]
        else:
            return None
    return None


def branches(graph: Graph, node_id: str, input_name: str = "model") -> list[Branch]:
    """Return every branch by which a model reaches a node's input; more than one if a switch is open.

    A merge of models is one branch with several files. Unknown nodes are passed through along inputs that are named
    like a model's. A broken link ends its branch; nothing is raised.
    """
    link = link_of(graph.get(str(node_id), {}).get("inputs", {}).get(input_name))
    if link is None:
        return []
    return _walk(graph, link, {}, 0)


def agreed(ways: list[Branch]) -> Upstream:
    """Return what all branches up to a model agree on, and how they differ.

    An open switch gives several branches. All their files are kept, but only the LoRAs that every branch has.
    """
    if not ways:
        return Upstream()
    files = _once(tuple(file for way in ways for file in way.files))
    if len(ways) >= MOST_BRANCHES:
        return Upstream(files, (), (f"more than {MOST_BRANCHES - 1} branches of the graph lead to a model",))
    shared = tuple(lora for lora in ways[0].loras if all(lora in way.loras for way in ways))
    some = dict.fromkeys(lora.name for way in ways for lora in way.loras if lora not in shared)
    doubts = (f"an open switch decides whether LoRA {', '.join(some)} is on",) if some else ()
    return Upstream(files, shared, doubts)


def _walk(graph: Graph, link: Link, walked: dict[str, list[Branch]], depth: int) -> list[Branch]:
    """Return the branches above a node.

    Each node is walked once, because a graph that forks and joins n times has 2^n branches.
    """
    node = graph.get(link[0])
    if link[0] in walked:
        return walked[link[0]]
    if not isinstance(node, dict) or not isinstance(node.get("inputs"), dict) or depth > MOST_NODES:
        return []
    # Until its walk is finished, a node counts as leading nowhere, so that a cycle ends.
    walked[link[0]] = []
    walked[link[0]] = list(islice(_branches_of(graph, node, walked, depth), MOST_BRANCHES))
    return walked[link[0]]


def _branches_of(graph: Graph, node: Node, walked: dict[str, list[Branch]], depth: int) -> Iterator[Branch]:
    for ways in _ways(graph, node):
        parts = [_walk(graph, way, walked, depth + 1) for way in ways]
        yield from _joined(graph, node, [branch for branch in parts if branch])


def _ways(graph: Graph, node: Node) -> list[list[Link]]:
    """Return the alternatives above a node; each is a list of links that are followed together."""
    inputs: dict[str, Any] = node.get("inputs", {})
    decided = _decided(graph, node)
    if decided is not None:
        link = link_of(decided)
        return [[link]] if link else [[]]
    links = {name: link for name, value in inputs.items() if (link := link_of(value))}
    if _is_switch(node):
        branch_links = [link for name, link in links.items() if not re.search(r"select|index|switch|condition", name)]
        return [[link] for link in branch_links] or [[]]
    models = [link for name, link in links.items() if _MODEL_INPUT.search(name) and not _OTHER_INPUT.search(name)]
    loras = [link for name, link in links.items() if _LORA_INPUT.search(name) and _holds_loras(graph, link)]
    if not models and not loras and not _own_files(node):
        # A reroute, getter or preview passes on whatever it takes.
        models = [link for name, link in links.items() if not _OTHER_INPUT.search(name)]
    return [models + loras]


def _holds_loras(graph: Graph, link: Link) -> bool:
    """Return whether a link leads to a stack of LoRAs rather than to a primitive with a LoRA's name."""
    return value_of(graph, list(link)) is None


def _joined(graph: Graph, node: Node, parts: list[list[Branch]]) -> Iterator[Branch]:
    """Yield a node's branches, one for each combination of the branches above it."""
    combined = [Branch()]
    for choices in parts:
        combined = [
            Branch(
                _once(branch.files + choice.files),
                _once(branch.loras + choice.loras),
                _once_each(branch.nodes + choice.nodes),
            )
            for branch in combined
            for choice in choices
        ][:MOST_BRANCHES]
    for branch in combined:
        yield replace(
            branch,
            files=(*_own_files(node), *branch.files),
            loras=(*branch.loras, *_own_loras(graph, node)),
            nodes=(node, *branch.nodes),
        )


def _once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _once_each(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple({id(node): node for node in nodes}.values())


def _own_files(node: Node) -> tuple[str, ...]:
    inputs: dict[str, Any] = node["inputs"]
    return tuple(v for name, v in inputs.items() if is_model_file(v) and not re.search(_NO_MODEL_FILE, name))


def _own_loras(graph: Graph, node: Node) -> tuple[Lora, ...]:
    # Resolve links to primitives first, because names and strengths may be linked.
    inputs = {
        name: value if link_of(value) is None else value_of(graph, value) for name, value in node["inputs"].items()
    }
    count = inputs.get("lora_count")
    loras = []
    for name, value in inputs.items():
        number = _number_behind(name)
        if (isinstance(count, int) and number > count) or str(inputs.get(f"switch_{number}", "On")).lower() == "off":
            continue
        if isinstance(value, dict) and is_model_file(value.get("lora")):  # Power Lora Loader: one object per LoRA
            loras.append(Lora(str(value["lora"]), _number(value.get("strength")) if value.get("on", True) else 0.0))
        elif isinstance(value, str) and _LORA_INPUT.search(name) and is_model_file(value):
            loras.append(Lora(value, _strength(inputs, name)))
    return tuple(loras)


def _strength(inputs: dict[str, Any], lora_input: str) -> float | None:
    """Return the strength that belongs to a LoRA's name; if inputs are numbered, the one with the same number."""
    stem = lora_input.rstrip(_DIGITS)
    number = lora_input[len(stem) :]
    ends = (f"_{number}", number, "") if number else ("",)
    for name in _STRENGTH:
        for candidate in (name + end for end in ends):
            strength = _number(inputs.get(candidate))
            if strength is not None:
                return strength
    return None


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > _LARGEST:
        return None
    return float(value) if value == value else None  # noqa: PLR0124 - NaN is not a strength


def _number_behind(name: str) -> int:
    """Return the number at the end of an input's name, or 0 if there is none."""
    digits = name[len(name.rstrip(_DIGITS)) :]
    return int(digits) if 0 < len(digits) < 10 else 0


def _is_switch(node: Node) -> bool:
    kind = str(node.get("class_type", ""))
    return kind in _SWITCHES or re.search(r"switch|selector|any.?index", kind, re.IGNORECASE) is not None


def _decided(graph: Graph, node: Node) -> Any:
    """Return the input that a stock switch passes on, or None if the node is not a stock switch or is undecided."""
    names = _SWITCHES.get(str(node.get("class_type", "")))
    if names is None:
        return None
    inputs = node.get("inputs", {})
    state = value_of(graph, inputs.get(names[0]))
    return inputs.get(names[1] if state else names[2]) if isinstance(state, bool) else None

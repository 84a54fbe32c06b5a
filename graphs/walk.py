"""Walks a prompt graph upstream to find the files and LoRAs behind a MODEL.

Apart from switches, no node class is hard-coded. Inputs are recognised by their names and by what their values look
like, so loaders from other packs work too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ..words import Message
from .model_files import is_model_file
from .values import CONDITION, MOST_READ, Graph, GraphValues, Link, Node, is_switch, link_of, number_of

# Limits on the depth of the walk and on the branches that are followed. Real graphs are never so deep; each open switch
# multiplies the branches.
MOST_NODES = 200
MOST_BRANCHES = 32
MOST_NAMES = 100
TOO_LARGE = "this graph is too large to be read whole"

# Names of inputs that may carry a model, and of those that never do.
_MODEL_INPUT = re.compile(
    r"(^|_)(model|unet|diffusion|transformer|base|accelerated|pipe|pipeline|guider)s?(_?\d+)?($|_)"
)
_OTHER_INPUT = re.compile(
    r"clip|vae|image|latent|mask|conditioning|positive|negative|(?<!high_)(?<!low_)noise|sampler|sigmas|control_?net|text|prompt|audio|video"
    r"|patch|motion|m_models|style|embed|weight_name|pulid|ip_?adapter"
)
_LORA_INPUT = re.compile(r"lora")
# Names of inputs that hold a base model's file; loaders for folders of files take names without an ending.
_FILE_INPUT = re.compile(r"(ckpt|checkpoint|unet|diffusion|transformer|dit|gguf|model)s?(_model)?(_name|_path|_file)")
_LOADER = re.compile(r"load", re.IGNORECASE)
_LONGEST_NAME = 300
_ENDING = re.compile(r"\.[A-Za-z]{2,5}$")
_NO_MODEL_FILE = (
    r"lora|clip|vae|control|upscale|patch|motion|m_models|text_encoder|style|embed|weight_name|pulid|adapter"
)
_STRENGTH = ("strength_model", "strength", "lora_strength", "model_strength", "lora_wt", "weight")
_DIGITS = "0123456789"
# `<lora:name:0.8>` in a text.
_LORA_TAG = re.compile(r"<lora:([^:<>]{1,200}):?(-?[0-9]{0,3}\.?[0-9]{0,6})[^<>]{0,40}>")
_LONGEST_TEXT = 20_000


def model_inputs(inputs: dict[str, Any]) -> list[str]:
    """Return the linked inputs of a sampler that may carry its model, by what they are called, the likeliest first."""
    linked = [name for name, value in inputs.items() if link_of(value)]
    named = [name for name in linked if _MODEL_INPUT.search(name) and not _OTHER_INPUT.search(name)]
    bundles = [name for name in linked if re.search(r"tuple|ctx|context|pipe", name)]
    return sorted(named, key=lambda name: name != "model") or bundles


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

    @property
    def size(self) -> int:
        """How many names and nodes it holds."""
        return len(self.files) + len(self.loras) + len(self.nodes)

    def below(self, node: Node, files: tuple[str, ...], loras: tuple[Lora, ...]) -> "Branch":
        """Return the branch with one more node at its end, and what that node adds."""
        return Branch(
            _once(files + self.files) if files else self.files,
            _once(self.loras + loras) if loras else self.loras,
            (node, *self.nodes),
        )

    def joined_with(self, other: "Branch") -> "Branch":
        """Return both branches as one."""
        return Branch(
            _once(self.files + other.files), _once(self.loras + other.loras), _once_each(self.nodes + other.nodes)
        )


@dataclass(frozen=True)
class Upstream:
    """What is upstream of a model input, over all branches.

    Attributes:
        files: names of the base model's file; several for a merge or an open switch.
        loras: LoRAs that every branch has, starting at the loader.
        doubts: how the branches differ, one sentence each.
        kinds: classes of the nodes on any branch.
    """

    files: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    doubts: tuple[str, ...] = ()
    kinds: frozenset[str] = field(default=frozenset(), compare=False)


class Walk:
    """Walks one graph. What was walked is kept for later questions about the same graph.

    Args:
        graph: the prompt graph in API form.
        most: how many inputs and branches may be read.
    """

    def __init__(self, graph: Graph, most: int = MOST_READ) -> None:
        self.graph = graph
        self.values = GraphValues(graph, most)
        self._walked: dict[str, list[Branch]] = {}

    def branches(self, node_id: str, input_name: str = "model") -> list[Branch]:
        """Return every branch by which a model reaches a node's input; more than one if a switch is open.

        A merge of models is one branch with several files. Unknown nodes are passed through along inputs that are named
        like a model's. A broken link ends its branch; nothing is raised.
        """
        link = link_of(self.values.inputs_of(str(node_id)).get(input_name))
        return self._above(link, 0) if link else []

    def upstream(self, node_id: str, input_name: str = "model") -> Upstream:
        """Return what all branches up to a model agree on, and how they differ.

        An open switch gives several branches. All their files are kept, but only the LoRAs that every branch has.
        """
        found = _agreed(self.branches(node_id, input_name))
        if self.values.too_large or len(found.files) + len(found.loras) > MOST_NAMES:
            return Upstream(found.files[:MOST_NAMES], (), (TOO_LARGE,))
        return found

    def _above(self, link: Link, depth: int) -> list[Branch]:
        """Return the branches above a link.

        Each node is walked once, because a graph that forks and joins n times has 2^n branches.
        """
        node, inputs = self.graph.get(link[0]), self.values.inputs_of(link[0])
        if link[0] in self._walked:
            return self._walked[link[0]]
        if depth > MOST_NODES:
            self.values.give_up()
        if not isinstance(node, dict) or not self.values.spend(1 + len(inputs)):
            return []
        # Until its walk is finished, a node counts as leading nowhere, so that a cycle ends.
        self._walked[link[0]] = []
        self._walked[link[0]] = list(islice(self._branches_of(node, depth), MOST_BRANCHES))
        return self._walked[link[0]]

    def _branches_of(self, node: Node, depth: int) -> Iterator[Branch]:
        files, loras = self._own_files(node), self._own_loras(node)
        for ways in self._ways(node):
            parts = [self._above(way, depth + 1) for way in ways]
            for branch in self._joined([branch for branch in parts if branch]):
                if not self.values.spend(1):
                    return
                yield branch.below(node, files, loras)

    def _ways(self, node: Node) -> list[list[Link]]:
        """Return the alternatives above a node; each is a list of links that are followed together."""
        inputs: dict[str, Any] = node.get("inputs", {})
        decided = self.values.decided(node)
        if decided is not None:
            link = link_of(decided)
            return [[link]] if link else [[]]
        links = {name: link for name, value in inputs.items() if (link := link_of(value))}
        if is_switch(node):
            branch_links = [link for name, link in links.items() if not re.search(CONDITION, name)]
            return [[link] for link in branch_links] or [[]]
        models = [link for name, link in links.items() if _MODEL_INPUT.search(name) and not _OTHER_INPUT.search(name)]
        loras = [link for name, link in links.items() if _LORA_INPUT.search(name) and self._holds_loras(link)]
        if not models and not loras and not self._own_files(node):
            # A reroute, getter or preview passes on whatever it takes.
            models = [link for name, link in links.items() if not _OTHER_INPUT.search(name)]
        return [models + loras]

    def _holds_loras(self, link: Link) -> bool:
        """Return whether a link leads to a stack of LoRAs rather than to a primitive with a LoRA's name."""
        return self.values.value(list(link)) is None

    def _joined(self, parts: list[list[Branch]]) -> list[Branch]:
        """Return the branches above a node, one for each combination of those above its inputs."""
        combined = [Branch()] if not parts else parts[0]
        for choices in parts[1:]:
            pairs = list(islice(((branch, choice) for branch in combined for choice in choices), MOST_BRANCHES))
            if not self.values.spend(sum(branch.size + choice.size for branch, choice in pairs) // 8 + 1):
                break
            combined = [branch.joined_with(choice) for branch, choice in pairs]
        return combined

    def _own_files(self, node: Node) -> tuple[str, ...]:
        """Return the names of base models that a node holds, also behind a link to a primitive."""
        inputs: dict[str, Any] = node["inputs"]
        if _loads_loras_only(node):
            return ()
        files = []
        for name, value in inputs.items():
            told = self.values.value(value) if link_of(value) and _FILE_INPUT.fullmatch(name) else value
            if not re.search(_NO_MODEL_FILE, name) and (is_model_file(told) or _is_folder_name(node, name, told)):
                files.append(told)
        return tuple(files)

    def _own_loras(self, node: Node) -> tuple[Lora, ...]:
        # Resolve links to primitives first, because names and strengths may be linked.
        inputs = {
            name: value if link_of(value) is None else self.values.value(value)
            for name, value in node.get("inputs", {}).items()
        }
        count, only = inputs.get("lora_count"), _loads_loras_only(node)
        loras = []
        for name, value in inputs.items():
            if not _is_on(inputs, _number_behind(name), count):
                continue
            if isinstance(value, dict) and is_model_file(value.get("lora")):  # Power Lora Loader: one object per LoRA
                strength = number_of(value.get("strength")) if value.get("on", True) else 0.0
                loras.append(Lora(str(value["lora"]), strength))
            elif is_model_file(value) and (_LORA_INPUT.search(name) or (only and not link_of(node["inputs"][name]))):
                loras.append(Lora(_with_repository(inputs, str(value)), _strength(inputs, name)))
        return tuple(loras) or _listed_loras(node)


def _listed_loras(node: Node) -> tuple[Lora, ...]:
    """Return the LoRAs of a list of objects, or of tags in a text, as LoRA Manager stores them; without endings."""
    found = []
    for name, value in node.get("inputs", {}).items():
        listed = value.get("__value__") if isinstance(value, dict) else value
        if _LORA_INPUT.search(name) and isinstance(listed, list):
            for entry in listed[:MOST_NAMES]:
                if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                    strength = number_of(entry.get("strength")) if entry.get("active", True) else 0.0
                    found.append(Lora(entry["name"], strength))
    if found or not re.search("lora", str(node.get("class_type", "")), re.IGNORECASE):
        return tuple(found)
    texts = [value for value in node.get("inputs", {}).values() if isinstance(value, str)]
    tags = [tag for text in texts for tag in _LORA_TAG.findall(text[:_LONGEST_TEXT])]
    return tuple(Lora(name, float(strength or 1)) for name, strength in tags[:MOST_NAMES])


def _is_on(inputs: dict[str, Any], number: int, count: Any) -> bool:
    """Return whether a stack's LoRA of this number is on."""
    hidden = isinstance(count, int) and number > count
    return not hidden and str(inputs.get(f"switch_{number}", "On")).lower() != "off"


def _agreed(ways: list[Branch]) -> Upstream:
    if not ways:
        return Upstream()
    files = _once(tuple(file for way in ways for file in way.files))
    kinds = frozenset(str(node.get("class_type", "")) for way in ways for node in way.nodes)
    if len(ways) >= MOST_BRANCHES:
        return Upstream(
            files,
            (),
            (
                Message(
                    "against.branches",
                    "more than {most} branches of the graph lead to a model",
                    {"most": MOST_BRANCHES - 1},
                ),
            ),
        )
    in_all = set(ways[0].loras).intersection(*(way.loras for way in ways))
    shared = tuple(lora for lora in ways[0].loras if lora in in_all)
    some = dict.fromkeys(lora.name for way in ways for lora in way.loras if lora not in in_all)
    switch = "an open switch decides whether LoRA {names} is on"
    doubts = (Message("against.switch", switch, {"names": ", ".join(islice(some, MOST_NAMES))}),) if some else ()
    return Upstream(files, shared, doubts, kinds)


def _once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _once_each(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple({id(node): node for node in nodes}.values())


def _loads_loras_only(node: Node) -> bool:
    """Return whether every file that a node holds is a LoRA: it takes a model, and its class says LoRA."""
    takes_model = any(link_of(value) and "model" in name for name, value in node["inputs"].items())
    return takes_model and re.search("lora", str(node.get("class_type", "")), re.IGNORECASE) is not None


def _is_folder_name(node: Node, name: str, value: Any) -> bool:
    """Return whether a value names a folder of a model's files, as loaders of diffusers and nunchaku models take."""
    is_name = isinstance(value, str) and 3 <= len(value) <= _LONGEST_NAME and not _ENDING.search(value)
    return is_name and bool(_FILE_INPUT.fullmatch(name)) and bool(_LOADER.search(str(node.get("class_type", ""))))


def _with_repository(inputs: dict[str, Any], file: str) -> str:
    """Return a file's name with the repository that it comes from, which tells more than `pytorch_lora_weights`."""
    repository = inputs.get("repo_id")
    return f"{repository}/{file}" if isinstance(repository, str) and repository else file


def _strength(inputs: dict[str, Any], lora_input: str) -> float | None:
    """Return the strength that belongs to a LoRA's name; if inputs are numbered, the one with the same number."""
    stem = lora_input.rstrip(_DIGITS)
    number = lora_input[len(stem) :]
    ends = (f"_{number}", number, "") if number else ("",)
    for name in _STRENGTH:
        for candidate in (name + end for end in ends):
            strength = number_of(inputs.get(candidate))
            if strength is not None:
                return strength
    return None


def _number_behind(name: str) -> int:
    """Return the number at the end of an input's name, or 0 if there is none."""
    digits = name[len(name.rstrip(_DIGITS)) :]
    return int(digits) if 0 < len(digits) < 10 else 0

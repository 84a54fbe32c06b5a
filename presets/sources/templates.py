"""ComfyUI's official workflow templates as a source of settings: exact file names and what they are run with.

The package `comfyui-workflow-templates` comes with ComfyUI and gets new models with every update. All of it is read
once (a second), the result is kept in the user's cache folder under the package's version, and later look-ups take
well under a millisecond. Nothing of this happens before somebody asks.
"""

import copy
import json
import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...graphs.samplers_in import GraphSampler, samplers_in
from ...graphs.walk import Graph, link_of
from ...graphs.workflow import to_graph
from ..plan import Shift
from ..qualities import Quality
from ..recognition.evidence import Evidence
from ..recognition.matching import step_loras
from .files import cache_folder, write_atomically

PACKAGES = (
    "comfyui_workflow_templates_json",
    "comfyui_workflow_templates_media_image",
    "comfyui_workflow_templates_media_video",
    "comfyui_workflow_templates_media_other",
    "comfyui_workflow_templates",
)
# Raised when what is read from a template changes, so that indexes of older versions are made anew.
FORMAT = 2

log = logging.getLogger("sweetspot.presets.sources.templates")


@dataclass(frozen=True)
class Entry:
    """One sampler of one template, in one state of its switches.

    Attributes:
        template: the template's name.
        files: base names of the model's files, lower case.
        loras: base names of the LoRAs over it, lower case.
        settings: steps, cfg, guidance, sampler_name, scheduler, sigmas, shift, shift_node; what is not told is missing.
        whole: whether it starts from pure noise.
        default: whether this is how the template is shipped.
    """

    template: str
    files: tuple[str, ...]
    loras: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    whole: bool = True
    default: bool = True


def installed_folders() -> list[Path]:
    """Return the folders of the installed packages that hold templates; none where none is installed."""
    found = []
    for package in PACKAGES:
        spec = find_spec(package)
        folders = (spec.submodule_search_locations if spec else None) or []
        found += [folder for folder in (Path(place) / "templates" for place in folders) if folder.is_dir()]
    return found


class TemplateIndex:
    """Settings by exact file name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_file: dict[str, list[Entry]] = {}
        for entry in self.entries:
            for file in entry.files:
                self._by_file.setdefault(file, []).append(entry)

    def find(self, evidence: Evidence, quality: Quality, known: str = "") -> tuple[dict[str, Any], str] | None:  # noqa: ARG002
        """Return the fields of a plan that the templates set for exactly this file and its LoRAs.

        A template with the very same LoRAs comes first; where none of them is an accelerator, then one without LoRAs,
        then any without accelerators. Then one that the catalogue names (`known`, the words of its sources), a run from
        noise, and settings as shipped; where templates still differ, what most of them have is taken. A template that
        the catalogue does not name, for a variant whose own it does, tells the step count alone: ControlNets and
        refiners want other settings. None where no template fits.
        """
        if len(evidence.files) != 1:
            return None
        loras = _bases(lora.name for lora in evidence.active_loras)
        fitting = [entry for entry in self._by_file.get(_base(evidence.files[0]), ()) if _loras_fit(entry, loras)]
        if not fitting:
            return None
        named = set(re.findall(r"[\w.-]+", known))

        def distance(entry: Entry) -> tuple[bool, ...]:
            same = entry.loras == loras
            return (
                not same,
                bool(entry.loras) and not same,
                entry.template not in named,
                not entry.whole,
                not entry.default,
            )

        nearest = min(map(distance, fitting))
        fields, source = _most_common([entry for entry in fitting if distance(entry) == nearest])
        plain = not loras or not step_loras(loras)
        return ({"steps": fields["steps"]} if known and nearest[2] and plain else fields), source


def load_index(folders: list[Path] | None = None, cache: Path | None = None) -> TemplateIndex:
    """Return the index of the installed templates, from the user's cache where it was made before.

    Args:
        folders: where the templates lie; those of the installed packages unless told.
        cache: where the index is kept; the user's cache folder unless told.
    """
    folders = installed_folders() if folders is None else folders
    if not folders:
        return TemplateIndex(())
    file = (cache or cache_folder()) / f"templates-{_version(folders)}-{FORMAT}.json"
    try:
        return TemplateIndex(_to_entry(record) for record in json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.debug("template index: made anew (%s)", error)
    entries = list(read_templates(folders))
    try:
        write_atomically(file, json.dumps([asdict(entry) for entry in entries]))
    except OSError as error:
        log.warning("template index: not kept for next time (%s)", error)
    return TemplateIndex(entries)


def read_templates(folders: Iterable[Path]) -> Iterator[Entry]:
    """Yield an entry for every sampler of every template, as shipped and with each switch the other way."""
    for file in (file for folder in folders for file in sorted(folder.glob("*.json"))):
        try:
            content = json.loads(file.read_text("utf-8"))
            if isinstance(content, dict) and "nodes" in content:
                yield from _read(file.stem, content)
        except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            # One template that cannot be read must not take the others with it.
            log.info("template %s: not read (%s: %s)", file.stem, type(error).__name__, error)


def _read(template: str, content: dict[str, Any]) -> Iterator[Entry]:
    graph = to_graph(content)
    shipped = dict.fromkeys(samplers_in(graph))
    others = dict.fromkeys(settings for other in _switched(graph) for settings in samplers_in(other))
    yield from (_entry(template, settings, default=True) for settings in shipped if settings.steps)
    yield from (_entry(template, one, default=False) for one in others if one.steps and one not in shipped)


def _entry(template: str, settings: GraphSampler, *, default: bool) -> Entry:
    told = {
        name: getattr(settings, name) for name in ("steps", "cfg", "guidance", "sampler_name", "scheduler", "sigmas")
    }
    if settings.shift:
        told["shift"], told["shift_node"] = settings.shift
    return Entry(
        template,
        tuple(dict.fromkeys(map(_base, settings.files))),
        _bases(lora.name for lora in settings.loras),
        {name: value for name, value in told.items() if value not in (None, "", ())},
        whole=not settings.refines and settings.denoise == 1,
        default=default,
    )


def _switched(graph: Graph) -> Iterator[Graph]:
    """Yield the graph with each of its yes-or-no values the other way; values of one subgraph go together."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for node_id, node in graph.items():
        if node["class_type"] == "ComfySwitchNode":
            holder = _holder(graph, node_id, "switch")
            if holder:
                linked = holder[0] != node_id
                groups.setdefault(holder[0] if linked else node_id.rpartition(":")[0], []).append(holder)
    for holders in groups.values():
        other = copy.deepcopy(graph)
        for node_id, name in set(holders):
            other[node_id]["inputs"][name] = not other[node_id]["inputs"][name]
        yield other


def _holder(graph: Graph, node_id: str, name: str, most: int = 16) -> tuple[str, str] | None:
    """Return the node and input that hold the yes or no behind an input."""
    for _ in range(most):
        value = graph.get(node_id, {}).get("inputs", {}).get(name)
        link = link_of(value)
        if link is None:
            return (node_id, name) if isinstance(value, bool) else None
        node_id, name = link[0], "value"
    return None


def _bases(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(map(_base, names))))


def _loras_fit(entry: Entry, loras: tuple[str, ...]) -> bool:
    """Return whether a template's LoRAs are these; styles may differ, accelerators may not.

    A style in a template with an accelerator may be why its step count is another.
    """
    if entry.loras == loras or not (step_loras(entry.loras) or step_loras(loras)):
        return True
    return step_loras(entry.loras) == entry.loras == step_loras(loras)


def _most_common(entries: list[Entry]) -> tuple[dict[str, Any], str]:
    # The step count decides first; among those with the commonest count, the other settings.
    for names in (("steps",), ("cfg", "sampler_name", "scheduler")):
        told = [json.dumps([entry.settings.get(name) for name in names]) for entry in entries]
        commonest = Counter(told).most_common(1)[0][0]
        entries = [entry for entry, one in zip(entries, told, strict=True) if one == commonest]
    first = entries[0]
    return _to_fields(first.settings), f"installed template {first.template}"


def _to_fields(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a `StepPlan`; what a KSampler's lists do not hold is left as the plan has it."""
    fields = {name: settings[name] for name in ("steps", "cfg", "guidance", "sampler_name") if name in settings}
    scheduler = settings.get("scheduler", "")
    if scheduler.islower():  # nodes that make a schedule have names in capitals
        fields["scheduler"] = scheduler
    if "sigmas" in settings:
        fields["sigmas"] = tuple(settings["sigmas"])
    if "shift" in settings:
        fields["shift"] = Shift(round(settings["shift"], 4), "linear", settings["shift_node"])
    return fields


def _version(folders: list[Path]) -> str:
    """Return the versions of the packages that the folders belong to."""
    found = set()
    for package in (folder.parent for folder in folders):
        name = package.name
        versions = [info.name for info in package.parent.glob(f"{name}-*.dist-info")]
        found.add(versions[0].removesuffix(".dist-info") if versions else f"{name}-{int(package.stat().st_mtime)}")
    return "+".join(sorted(name.replace("comfyui_workflow_templates", "") for name in found)).replace("_", "")


def _to_entry(record: dict[str, Any]) -> Entry:
    return Entry(
        record["template"],
        tuple(record["files"]),
        tuple(record["loras"]),
        dict(record["settings"]),
        bool(record["whole"]),
        bool(record["default"]),
    )


def _base(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1].lower()

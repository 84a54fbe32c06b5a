"""ComfyUI's official workflow templates as a source of settings: exact file names and the settings they run with.

The package `comfyui-workflow-templates` comes with ComfyUI and gets new models with every update. All templates are
read once, which takes a second. The result is cached in the user's cache folder under the package's version, and later
look-ups take well under a millisecond. Nothing is read until somebody asks for the index.
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
from ...graphs.values import Graph, link_of
from ...graphs.workflow import to_graph
from ..plan import Shift
from ..qualities import Quality
from ..recognition.evidence import Evidence
from ..recognition.finding import Finding
from ..recognition.matching import step_loras
from ..recognition.names import is_shared_name
from .files import cache_folder, write_atomically

PACKAGES = (
    "comfyui_workflow_templates_json",
    "comfyui_workflow_templates_media_image",
    "comfyui_workflow_templates_media_video",
    "comfyui_workflow_templates_media_other",
    "comfyui_workflow_templates",
)
# Increase it when different data is read from a template, so that indexes of older versions are rebuilt.
FORMAT = 4

log = logging.getLogger("sweetspot.presets.sources.templates")


@dataclass(frozen=True)
class Entry:
    """One sampler of one template, in one state of its switches.

    Attributes:
        template: the template's name.
        files: base names of the model's files, lower case.
        loras: base names of the LoRAs over it, lower case.
        settings: steps, cfg, guidance, sampler_name, scheduler, sigmas, shift, shift_node; unknown ones are left out.
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
    """Return the folders of the installed packages that hold templates; empty if none is installed."""
    installed = []
    for package in PACKAGES:
        spec = find_spec(package)
        folders = (spec.submodule_search_locations if spec else None) or []
        installed += [folder for folder in (Path(place) / "templates" for place in folders) if folder.is_dir()]
    return installed


class TemplateIndex:
    """Settings by exact file name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_file: dict[str, list[Entry]] = {}
        for entry in self.entries:
            for file in entry.files:
                self._by_file.setdefault(file, []).append(entry)

    def find(
        self,
        evidence: Evidence,
        quality: Quality,  # noqa: ARG002
        finding: Finding | None = None,
    ) -> tuple[dict[str, Any], str] | None:
        """Return the fields of a plan that the templates set for exactly this file and its LoRAs.

        Templates with exactly the same LoRAs come first. If none of the LoRAs is an accelerator, templates without
        LoRAs come next, then any without accelerators. Ties go to a template that the catalogue names for the found
        variant, then to settings as shipped. If templates still differ, the most common settings win. Stages that
        refine an earlier one's result don't count: they need fewer steps than a whole run. If the catalogue names
        other templates for the variant, and no LoRA is an accelerator, only the step count is used: ControlNets and
        refiners want other settings.

        Returns None if no template fits.
        """
        if len(evidence.files) != 1:
            return None
        loras = _bases(lora.name for lora in evidence.active_loras)
        entries = self._by_file.get(_base(evidence.files[0]), ())
        fitting = [entry for entry in entries if entry.whole and _loras_fit(entry, loras)]
        if not fitting:
            return None
        named = _named_templates(finding)

        def distance(entry: Entry) -> tuple[bool, ...]:
            same = entry.loras == loras
            return (
                not same,
                bool(entry.loras) and not same,
                entry.template not in named,
                not entry.default,
            )

        nearest = min(map(distance, fitting))
        fields, source = _most_common([entry for entry in fitting if distance(entry) == nearest])
        plain = not loras or not step_loras(loras)
        return ({"steps": fields["steps"]} if named and nearest[2] and plain else fields), source


def _named_templates(finding: Finding | None) -> set[str]:
    """Return the words of the catalogue's own template sources for the variant that was found."""
    values = finding.variant.settings.values() if finding is not None and finding.variant is not None else ()
    sources = " ".join(by["template"]["source"] for by in values if "template" in by)
    return set(re.findall(r"[\w.-]+", sources))


def load_index(folders: list[Path] | None = None, cache: Path | None = None) -> TemplateIndex:
    """Return the index of the installed templates, from the user's cache if it is there.

    Args:
        folders: where the templates are; by default those of the installed packages.
        cache: where the index is cached; by default the user's cache folder.
    """
    folders = installed_folders() if folders is None else folders
    if not folders:
        return TemplateIndex(())
    file = (cache or cache_folder()) / f"templates-{_version(folders)}-{FORMAT}.json"
    try:
        return TemplateIndex(_to_entry(record) for record in json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.debug("template index: rebuilt, because no cached one could be used (%s)", error)
    entries = list(read_templates(folders))
    try:
        write_atomically(file, json.dumps([asdict(entry) for entry in entries]))
    except OSError as error:
        log.warning("template index: not cached, so it will be rebuilt next time (%s)", error)
    return TemplateIndex(entries)


def read_templates(folders: Iterable[Path]) -> Iterator[Entry]:
    """Yield an entry for every sampler of every template, as shipped and with its switches flipped."""
    for file in (file for folder in folders for file in sorted(folder.glob("*.json"))):
        try:
            content = json.loads(file.read_text("utf-8"))
            if isinstance(content, dict) and "nodes" in content:
                yield from _read(file.stem, content)
        except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            # One unreadable template must not stop the others from being read.
            log.info(
                "template %s: skipped, because it could not be read (%s: %s)", file.stem, type(error).__name__, error
            )


def _read(template: str, content: dict[str, Any]) -> Iterator[Entry]:
    graph = to_graph(content)
    shipped = dict.fromkeys(samplers_in(graph))
    flipped = dict.fromkeys(settings for variation in _switched(graph) for settings in samplers_in(variation))
    yield from (_entry(template, settings, default=True) for settings in shipped if settings.steps)
    yield from (
        _entry(template, settings, default=False) for settings in flipped if settings.steps and settings not in shipped
    )


def _entry(template: str, settings: GraphSampler, *, default: bool) -> Entry:
    fields = {
        name: getattr(settings, name) for name in ("steps", "cfg", "guidance", "sampler_name", "scheduler", "sigmas")
    }
    if settings.shift:
        fields["shift"], fields["shift_node"] = settings.shift
    return Entry(
        template,
        tuple(dict.fromkeys(map(_base, settings.files))),
        _bases(lora.name for lora in settings.loras),
        {name: value for name, value in fields.items() if value not in (None, "", ())},
        whole=not settings.refines and settings.denoise == 1,
        default=default,
    )


def _switched(graph: Graph) -> Iterator[Graph]:
    """Yield the graph with each of its yes-or-no values flipped; values of one subgraph are flipped together."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for node_id, node in graph.items():
        if node["class_type"] == "ComfySwitchNode":
            holder = _holder(graph, node_id, "switch")
            if holder:
                linked = holder[0] != node_id
                groups.setdefault(holder[0] if linked else node_id.rpartition(":")[0], []).append(holder)
    for holders in groups.values():
        flipped = copy.deepcopy(graph)
        for node_id, name in set(holders):
            flipped[node_id]["inputs"][name] = not flipped[node_id]["inputs"][name]
        yield flipped


def _holder(graph: Graph, node_id: str, name: str, most: int = 16) -> tuple[str, str] | None:
    """Return the node and input that hold the yes-or-no value behind an input."""
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
    """Return whether a template's LoRAs match these; styles may differ, accelerators may not.

    A template with an accelerator must not have a style as well, because the style may have changed its step count.
    """
    if entry.loras == loras or not (step_loras(entry.loras) or step_loras(loras)):
        return True
    return step_loras(entry.loras) == entry.loras == step_loras(loras)


def _most_common(entries: list[Entry]) -> tuple[dict[str, Any], str]:
    # Pick the most common step count first, then the most common other settings among the templates that have it.
    for names in (("steps",), ("cfg", "sampler_name", "scheduler")):
        keys = [json.dumps([entry.settings.get(name) for name in names]) for entry in entries]
        commonest = Counter(keys).most_common(1)[0][0]
        entries = [entry for entry, key in zip(entries, keys, strict=True) if key == commonest]
    first = entries[0]
    return _to_fields(first.settings), f"installed template {first.template}"


def _to_fields(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a `StepPlan`; what a KSampler's lists do not offer is left out."""
    fields = {name: settings[name] for name in ("steps", "cfg", "guidance", "sampler_name") if name in settings}
    scheduler = settings.get("scheduler", "")
    if scheduler.islower():  # classes of nodes that make a schedule contain capitals
        fields["scheduler"] = scheduler
    if "sigmas" in settings:
        fields["sigmas"] = tuple(settings["sigmas"])
    if "shift" in settings:
        fields["shift"] = Shift(round(settings["shift"], 4), "linear", settings["shift_node"])
    return fields


def _version(folders: list[Path]) -> str:
    """Return the versions of the packages that the folders belong to."""
    packages = set()
    for package in (folder.parent for folder in folders):
        name = package.name
        versions = [info.name for info in package.parent.glob(f"{name}-*.dist-info")]
        packages.add(versions[0].removesuffix(".dist-info") if versions else f"{name}-{int(package.stat().st_mtime)}")
    return "+".join(sorted(name.replace("comfyui_workflow_templates", "") for name in packages)).replace("_", "")


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
    """Return a file's name without its folder; with the last folder if many files share the name."""
    *folders, base = name.replace("\\", "/").lower().split("/")
    return f"{folders[-1]}/{base}" if folders and is_shared_name(base) else base

"""The official templates of the installed package judge recognition: their own tags, names and settings."""

import csv
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from sweetspot.graphs.samplers_in import samplers_in
from sweetspot.graphs.walk import Lora
from sweetspot.graphs.workflow import to_graph
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.names import accelerator_word
from sweetspot.presets.recognition.recognise import Wishes, recognise
from sweetspot.presets.sources.templates import PACKAGES, Entry, TemplateIndex, load_index

FACTS = Path(__file__).resolve().parents[1] / "presets" / "facts" / "templates_steps.csv"
FEW = 12

# Models that templates for other models use on the side; the index tells only the main one.
ON_THE_SIDE = ("Lotus",)

# The index's word for a model -> families of the catalogue that may be behind it.
FAMILIES = {
    "Flux": {"FLUX.1", "FLUX.2", "FLUX.3"},
    "Flux.1": {"FLUX.1"},
    "Flux.2": {"FLUX.2"},
    "Wan": {"Wan 2.1", "Wan 2.2"},
    "HuMo": {"Wan 2.1"},
    "SCAIL-2": {"Wan 2.1"},
    "ChronoEdit": {"Wan 2.1"},
    "Bernini-R": {"Wan 2.2", "Wan 2.1"},
    "Qwen": {"Qwen-Image", "Qwen-Image 2.1"},
    "FireRed": {"Qwen-Image"},
    "Z-Image": {"Z-Image"},
    "SDXL": {"SDXL", "SDXL finetune"},
    "SD3.5": {"SD3"},
    "SD1.5": {"SD1.5"},
    "SVD": {"SVD"},
    "LTX-2": {"LTX-2"},
    "LTX-0.9": {"LTX-Video"},
    "HiDream": {"HiDream"},
    "Hunyuan3D": {"Hunyuan3D"},
    "Hunyuan Video": {"HunyuanVideo", "HunyuanVideo-1.5"},
    "ACE-Step": {"ACE-Step"},
    "Anima": {"Anima"},
    "Krea 2": {"Krea 2"},
    "Mage-Flow": {"MageFlow"},
    "SeedVR2": {"SeedVR2"},
    "MiniMax H3": {"MiniMax H3"},
    "Capybara": {"Capybara"},
    "Ideogram": {"Ideogram 4"},
    "Kandinsky": {"Kandinsky 5"},
    "Boogu": {"Boogu-Image"},
    "OmniGen": {"OmniGen2"},
    "Stable Audio": {"Stable Audio", "Stable Audio 3"},
    "Lens": {"Lens"},
    "Chroma": {"Chroma"},
    "ERNIE-Image": {"ERNIE-Image"},
    "LongCat": {"LongCat-Image"},
    "JoyAI": {"JoyAI-Image"},
    "NewBie": {"Lumina2"},
    "PixelDiT": {"PixelDiT"},
    "Ovis": {"Ovis-Image"},
    "VOID": {"CogVideoX"},
    "PiD": {"PiD"},
}

FIND = (
    "import importlib.util, json, sys\n"
    "specs = [importlib.util.find_spec(name) for name in sys.argv[1:]]\n"
    "print(json.dumps([place for spec in specs if spec for place in spec.submodule_search_locations or []]))\n"
)


@pytest.fixture(scope="module")
def folders(installation) -> list[Path]:
    answer = subprocess.run(
        [installation.python, "-c", FIND, *PACKAGES],
        capture_output=True,
        text=True,
        check=True,
        cwd=installation.folder,
    )
    places = [Path(place) / "templates" for place in json.loads(answer.stdout)]
    found = [place for place in places if any(place.glob("*.json"))] if places else []
    assert found, "ComfyUI installs its templates"
    return found


@pytest.fixture(scope="module")
def index(folders, tmp_path_factory) -> TemplateIndex:
    return load_index(folders, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def samplers(index) -> list[Entry]:
    """Every active sampler, as shipped, that starts from pure noise."""
    return [entry for entry in index.entries if entry.default and entry.whole and entry.files]


@pytest.fixture(scope="module")
def of_today(folders) -> None:
    """Leave out what is promised of the templates of today: those of 0.8 had other and conflicting step counts."""
    if not any(folder.parent.name == PACKAGES[0] for folder in folders):
        pytest.skip("the templates of this ComfyUI are older than the figures")


@pytest.fixture(scope="module")
def tags(folders) -> dict[str, set[str]]:
    """Families that the templates' own index names, by template."""
    listed = [
        json.loads((folder / "index.json").read_text("utf-8")) for folder in folders if (folder / "index.json").exists()
    ]
    templates = [one for groups in listed for group in groups for one in group["templates"]]
    return {
        one["name"]: set().union(
            *(f for tag in one.get("models", []) for k, f in FAMILIES.items() if tag.startswith(k))
        )
        for one in templates
    }


def evidence_of(entry: Entry) -> Evidence:
    return Evidence(files=entry.files, loras=tuple(Lora(name) for name in entry.loras))


def test_there_is_something_to_judge(samplers):
    assert len(samplers) > 80


def test_the_right_variant_or_family_is_named(samplers, index, tags):
    judged = [entry for entry in samplers if tags.get(entry.template)]
    misses = []
    for entry in judged:
        found = recognise(evidence_of(entry), Wishes(templates=index)).finding
        if found.variant is not None and found.variant.family.name in ON_THE_SIDE:
            continue
        if found.variant is None or found.variant.family.name not in tags[entry.template]:
            family = found.variant.family.name if found.variant else "none"
            misses.append(f"{entry.template}: {', '.join(entry.files)} taken for {family}")
    if not judged:
        pytest.skip("this version of the package has no index of models")
    assert len(misses) <= 0.02 * len(judged), "\n".join(misses)


@pytest.mark.usefixtures("of_today")
def test_what_is_read_from_the_templates_is_what_others_read(folders):
    """Judged by readings that were made before, with other code, on one version of the package."""
    with FACTS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    files = {file.stem: file for folder in folders for file in folder.glob("*.json")}
    judged, misses = 0, []
    for name in dict.fromkeys(row["template"] for row in rows if row["template"] in files):
        found = {one.node: one for one in samplers_in(to_graph(json.loads(files[name].read_text("utf-8"))))}
        for row in (row for row in rows if row["template"] == name and row["node_id"] in found):
            one = found[row["node_id"]]
            read = (str(one.steps or ""), f"{one.cfg:g}" if one.cfg and row["cfg"] else "", one.scheduler)
            shift = f"{one.shift[1]}:{round(one.shift[0], 4):g}" if one.shift and row["shift"] else ""
            judged += 1
            if (*read, shift) != (row["steps"], row["cfg"], row["scheduler"], row["shift"]) or not (
                set(one.files) <= set(re.split(r"\s*[|;,]\s*", row["model_files"]))
            ):
                misses.append(f"{name} {row['node_id']}: read {read} {shift} {one.files}, told {row}")
    if judged < 50:
        pytest.skip("this version of the package has other templates")
    assert len(misses) <= 0.05 * judged, "\n".join(misses)


@pytest.mark.usefixtures("of_today")
def test_few_steps_or_not_is_always_right_where_a_name_tells(samplers):
    """By names alone, without the index of the very same templates."""
    wrong = []
    for entry in samplers:
        plan = recognise(evidence_of(entry)).plan
        told = any(accelerator_word(name) for name in (*entry.files, *entry.loras))
        if told and (plan.steps <= FEW) != (entry.settings["steps"] <= FEW):
            wrong.append(
                f"{entry.template}: {entry.files} {entry.loras} runs {entry.settings['steps']}, got {plan.steps}"
            )
    assert not wrong, "\n".join(wrong)


@pytest.mark.usefixtures("of_today")
def test_balanced_is_the_templates_own_step_count(samplers, index):
    misses = []
    for entry in samplers:
        plan = recognise(evidence_of(entry), Wishes(templates=index)).plan
        if plan.steps != entry.settings["steps"]:
            misses.append(
                f"{entry.template}: {', '.join(entry.files)} runs {entry.settings['steps']}, got {plan.steps}"
            )
    assert len(misses) <= 0.05 * len(samplers), "\n".join(misses)


def test_what_is_missed_has_no_one_answer(samplers, index):
    """A miss is only ever a file that other templates run with another step count."""
    counts: dict[tuple, Counter] = {}
    for entry in samplers:
        counts.setdefault((entry.files, entry.loras), Counter())[entry.settings["steps"]] += 1
    for entry in samplers:
        plan = recognise(evidence_of(entry), Wishes(templates=index)).plan
        if plan.steps != entry.settings["steps"]:
            assert len(counts[entry.files, entry.loras]) > 1 or not entry.loras, entry
            several = {one.settings["steps"] for one in samplers if set(one.files) & set(entry.files)}
            assert plan.steps in several, entry

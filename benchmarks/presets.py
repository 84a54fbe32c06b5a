"""Measures how fast recognition is and how often it is right: `.venv/bin/python benchmarks/presets.py`.

Times are given as shares of the time allowed. The report on the official templates (from this Python or from the
ComfyUI that was found) lists every miss.
"""

import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sweetspot.cli.inspect_models import inspect
from sweetspot.cli.user_presets import template_folders
from sweetspot.presets.recognition.evidence import Evidence, Lora
from sweetspot.presets.recognition.headers import read_header
from sweetspot.presets.recognition.names import accelerator_word
from sweetspot.presets.recognition.recognise import Wishes, recognise
from sweetspot.presets.sources.templates import Entry, TemplateIndex, load_index

ALLOWED_SECONDS = {"header of a 24 GB file": 0.01, "first indexing": 3.0, "look-up": 0.005, "inspect 1000 files": 5.0}
FEW = 12


def main() -> None:
    """Measure, and print a report."""
    folders = template_folders()
    with tempfile.TemporaryDirectory() as place:
        shares = measure(Path(place), folders)
        index = load_index(folders, Path(place) / "cache")
    print("share of the time allowed:")
    for name, share in shares.items():
        print(f"  {name}: {share:.3f}")
    if index.entries:
        report(index)
    else:
        print("no official templates are installed here", file=sys.stderr)


def measure(place: Path, folders: list[Path]) -> dict[str, float]:
    """Return the shares of the allowed times: the best of several runs, except for the first indexing."""
    large = write_large(place / "large.safetensors")
    many = [write_model(place / "models" / f"model_{number}.safetensors") for number in range(1000)]
    first = best_of(1, lambda: load_index(folders, place / "cache"))
    index = load_index(folders, place / "cache")
    seen = Evidence(files=("qwen_image_fp8_e4m3fn.safetensors",))
    seconds = {
        "header of a 24 GB file": best_of(20, lambda: read_header(large)),
        "first indexing": first,
        "look-up": best_of(20, lambda: index.find(seen, "balanced")),
        "inspect 1000 files": best_of(2, lambda: inspect([many[0].parent], [], [], index, None)),
    }
    return {name: seconds[name] / allowed for name, allowed in ALLOWED_SECONDS.items()}


def report(index: TemplateIndex) -> None:
    """Print how often recognition gives a template's own step count, and every miss."""
    whole = [entry for entry in index.entries if entry.default and entry.whole and entry.files]
    for words, wishes in (("with the index", Wishes(templates=index)), ("with the catalogue alone", Wishes())):
        misses = [entry for entry in whole if plan_steps(entry, wishes) != entry.settings["steps"]]
        print(f"balanced is the template's step count, {words}: {len(whole) - len(misses)} of {len(whole)}")
        for entry in misses:
            names = ", ".join((*entry.files, *entry.loras))
            print(f"  {entry.template}: {names} expected {entry.settings['steps']}, got {plan_steps(entry, wishes)}")
    named = [e for e in whole if any(accelerator_word(name) for name in (*e.files, *e.loras))]
    right = sum((plan_steps(e, Wishes()) <= FEW) == (e.settings["steps"] <= FEW) for e in named)
    print(f"few steps or not, if a name shows it, with the catalogue alone: {right} of {len(named)}")


def plan_steps(entry: Entry, wishes: Wishes) -> int:
    """Return the recommended step count for an entry's files and LoRAs."""
    return recognise(Evidence(files=entry.files, loras=tuple(map(Lora, entry.loras))), wishes).plan.steps


def best_of(runs: int, call: Callable[[], object]) -> float:
    """Return the seconds of the fastest of several runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def write_large(file: Path) -> Path:
    """Write a sparse file of 24 GB with the header of a large model: 3000 tensors."""
    write_model(file, blocks=1500)
    with file.open("r+b") as stream:
        stream.truncate(24 * 10**9)
    return file


def write_model(file: Path, blocks: int = 200) -> Path:
    """Write the header of a FLUX.1 dev with this many blocks, without weights."""
    names = {"img_in.weight": (3072, 64), "txt_in.weight": (3072, 4096), "vector_in.in_layer.weight": (3072, 768)}
    names |= {"guidance_in.in_layer.weight": (3072, 256)}
    for number in range(blocks):
        names |= {f"double_blocks.{number}.img_attn.norm.key_norm.scale": (128,)}
        names |= {f"double_blocks.{number}.img_attn.qkv.weight": (9216, 3072)}
    header = {name: {"dtype": "BF16", "shape": list(shape), "data_offsets": [0, 0]} for name, shape in names.items()}
    text = json.dumps(header).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack("<Q", len(text)) + text)
    return file


if __name__ == "__main__":
    main()

"""`sweetspot steps`: which settings made an image, from what the image says about itself."""

import json
from pathlib import Path
from typing import Any

from ..comparison.pictures.metadata import read_image_metadata
from ..presets.control_characters import escaped
from ..presets.regular_files import open_regular
from ..presets.sources.settings import SettingsError, from_image

DONE, COULD_NOT, IN_PART = 0, 1, 4
VERSION = 1
_OURS = "sweetspot"
_SHOWN = ("sampler_name", "scheduler", "cfg", "guidance", "shift", "seed")


def run_steps(images: list[Path], *, as_json: bool) -> int:
    """Print the settings of each image; return 0, 4 if some can't be read, or 1 if none can."""
    records = [settings_of(image) for image in images]
    if as_json:
        print(json.dumps({"version": VERSION, "images": records}, indent=2))
    else:
        for record in records:
            print(_line(record))
    failed = sum("error" in record for record in records)
    return DONE if not failed else COULD_NOT if failed == len(records) else IN_PART


def settings_of(image: Path) -> dict[str, Any]:
    """Return the settings that made an image, or `error`, which says why they are not known."""
    try:
        with open_regular(image) as stream:
            entries = read_image_metadata(stream)
        if _OURS in entries:
            return {"file": str(image), **_ours(entries[_OURS])}
        fields, model = from_image(entries)
    except (SettingsError, OSError, ValueError) as error:
        return {"file": str(image), "error": str(error)}
    return {"file": str(image), **fields, "model": model}


def _ours(text: str) -> dict[str, Any]:
    """Return what a comparison of ours has written."""
    told = json.loads(text)
    if not isinstance(told, dict) or "steps" not in told:
        raise SettingsError(f"{_OURS}: expected a JSON object with steps, got {text[:60]!r}")
    return {"sampler_name" if name == "sampler" else str(name): value for name, value in told.items()}


def _line(record: dict[str, Any]) -> str:
    name = escaped(record["file"])
    if "error" in record:
        return f"{name}: {escaped(record['error'])}"
    steps = f"{record['steps']} steps" if "steps" in record else "steps not known"
    shown = [f"{key.removesuffix('_name')} {record[key]}" for key in _SHOWN if record.get(key) is not None]
    model = [escaped(str(record["model"]))] if record.get("model") else []
    return f"{name}: {', '.join([steps, *shown, *model])}"

"""Computes the model card's figures: `python -m sweetspot.demo.training.evaluate agreement` and `... curve`.

Both use prompts that no training scene has, the catalogue's recommended settings, and the standalone engine.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ...comparison.measures.pixels import to_pixels
from ...comparison.measures.structure import ssim
from ...comparison.runs import Sampling, Task
from ...engines import diffusers
from ...engines.diffusers import DiffusersEngine, DiffusersModel
from ..load import load_model, recommended
from .check import Verdict, check_picture
from .scenes import Scene, mirror, render, sample_scene, swap, symmetries

HELD_OUT_SEED = 1_000_000
TRAINING_SCENES = 12_000
REFERENCE_STEPS = 100
CURVE = (2, 4, 6, 8, 12, 16, 25, 50)

log = logging.getLogger("sweetspot.demo.training.evaluate")


def main() -> None:
    """Compute one of the figures and write it to standard output as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=("agreement", "curve"))
    parser.add_argument("--prompts", type=int, default=100, help="how many held-out prompts")
    parser.add_argument("--cfg", type=float, help="guidance scale; default: the recommended one")
    parser.add_argument("--steps", type=int, help="step count of `agreement`; default: the recommended one")
    parser.add_argument("--pictures", type=Path, help="file to save a sheet of the pictures in")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    plan = recommended()
    held_out = held_out_scenes(arguments.prompts)
    cfg = arguments.cfg or plan.cfg
    model = load_model()
    if arguments.figure == "agreement":
        figures, pictures = agreement(model, held_out, arguments.steps or plan.steps, cfg)
    else:
        figures, pictures = curve(model, held_out, cfg)
    if arguments.pictures:
        _keep_sheet(pictures, arguments.pictures)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def held_out_scenes(count: int) -> list[Scene]:
    """Return scenes whose captions never occur in training, not even for mirrored or swapped scenes."""
    rng = np.random.default_rng(0)
    trained = {caption for _ in range(TRAINING_SCENES) for caption in _shown_captions(sample_scene(rng))}
    rng = np.random.default_rng(HELD_OUT_SEED)
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = sample_scene(rng)
        if scene.caption not in trained:
            scenes.append(scene)
    return scenes


def _shown_captions(scene: Scene) -> list[str]:
    mirrored = [mirror(scene, symmetry) for symmetry in symmetries(scene)]
    return [form.caption for image in mirrored for form in (image, swap(image))]


def agreement(
    model: DiffusersModel, scenes: Sequence[Scene], steps: int, cfg: float
) -> tuple[dict[str, float], list[np.ndarray]]:
    """Return the shares of pictures in which the check finds ground, items, relation and all of them as described.

    `check_on_drawings` is the same share for the drawn scenes themselves: the most that the check can reach.
    """
    verdicts, drawn, pictures = [], [], []
    for number, scene in enumerate(scenes):
        picture = _picture(model, scene, steps, cfg, number)
        verdicts.append(check_picture(picture, scene))
        drawn.append(check_picture(render(scene), scene))
        pictures.append(picture)
        if not verdicts[-1].agrees:
            log.info("%3d  %s: %s", number, scene.caption, verdicts[-1])
    return {
        "prompts": len(scenes),
        "steps": steps,
        "cfg": cfg,
        "agreement": _share(verdicts, "agrees"),
        "ground": _share(verdicts, "ground"),
        "items": round(float(np.mean([shown for verdict in verdicts for shown in verdict.items])), 4),
        "relation": _share(verdicts, "relation"),
        "check_on_drawings": _share(drawn, "agrees"),
    }, pictures


def curve(model: DiffusersModel, scenes: Sequence[Scene], cfg: float) -> tuple[dict[str, object], list[np.ndarray]]:
    """Return each step count's mean SSIM against 100 steps from the same noise, and the pictures."""
    values: dict[int, list[float]] = {steps: [] for steps in CURVE}
    pictures = []
    for number, scene in enumerate(scenes):
        reference = to_pixels(_picture(model, scene, REFERENCE_STEPS, cfg, number))
        for steps in CURVE:
            picture = _picture(model, scene, steps, cfg, number)
            values[steps].append(ssim(to_pixels(picture), reference))
            pictures.append(picture)
    means = {str(steps): round(float(np.mean(ssims)), 4) for steps, ssims in values.items()}
    return {"prompts": len(scenes), "reference": REFERENCE_STEPS, "cfg": cfg, "ssim": means}, pictures


def _picture(model: DiffusersModel, scene: Scene, steps: int, cfg: float, seed: int) -> np.ndarray:
    engine = DiffusersEngine(model, diffusers.Scene((scene.caption,)))
    (run,) = engine.run([Task(Sampling(seed, cfg, "euler", "simple"), steps)])
    return np.rint(run.images[0] * 255).astype(np.uint8)


def _share(verdicts: Sequence[Verdict], name: str) -> float:
    return round(float(np.mean([getattr(verdict, name) for verdict in verdicts])), 4)


def _keep_sheet(pictures: list[np.ndarray], file: Path) -> None:
    columns = len(CURVE)
    rows = [np.concatenate(pictures[i : i + columns], axis=1) for i in range(0, len(pictures), columns)]
    whole = [row for row in rows if row.shape == rows[0].shape]
    Image.fromarray(np.concatenate(whole)).save(file)


if __name__ == "__main__":
    main()

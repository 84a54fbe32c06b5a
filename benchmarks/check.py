"""How often the Step-Aware Sampler's `check` is right, judged by long runs of the demo model.

`.venv/bin/python benchmarks/check.py --prompts 25 --seed 11`

For each fresh prompt and cfg, the truth is a run of 120 steps that another solver and schedule confirm. Four runs with
random samplers, schedulers and step counts are checked, once with the VAE and once without. A run was enough if its
image does not visibly differ from the truth. The last figure is the mean of the model calls that a check takes.
"""

import argparse
import json
import random
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from calibrate import alike
from sampler import Demo, load, run_inside

SAMPLERS = ("euler", "dpmpp_2m", "res_multistep")
SCHEDULERS = ("simple", "beta", "normal", "sgm_uniform", "karras")
COUNTS = (4, 6, 8, 12, 16, 20, 25, 32, 50)
CFG = (3.0, 5.0)
# Sampler, shift and steps of the truth, and of the run that confirms it.
LONG = (("dpmpp_2m", 3.0, 120), ("res_multistep", 1.5, 160))


def main() -> None:
    """Check, judge, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--prompts", type=int, default=25)
    parser.add_argument("--runs", type=int, default=4, help="for each prompt and cfg")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.inside is None:
        raise SystemExit(run_inside(Path(__file__)))
    load(arguments.inside)
    import torch

    with torch.inference_mode():
        sys.stdout.write(json.dumps(figures(arguments), indent=2) + "\n")


def figures(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how often the answer was right, by what was compared, sampler and cfg."""
    import numpy as np
    from sweetspot.comparison.measures.visibility import SIDE_BY_SIDE
    from sweetspot.demo.training.scenes import sample_scene

    chance, scenes, demo = random.Random(arguments.seed), np.random.default_rng(arguments.seed), Demo(arguments.size)
    rows: dict[str, list[tuple[bool, str, list[float], int]]] = defaultdict(list)
    undecided = 0
    for _ in range(arguments.prompts):
        positive, seed = demo.condition(sample_scene(scenes).caption), chance.randrange(2**32)
        for cfg in CFG:
            truth, confirms = (long_run(demo, positive, seed, cfg, *settings) for settings in LONG)
            if alike(truth, confirms) < SIDE_BY_SIDE.below:
                undecided += 1
                continue
            for _ in range(arguments.runs):
                sampler, scheduler = chance.choice(SAMPLERS), chance.choice(SCHEDULERS)
                finished = Finished(demo, positive, seed, cfg, sampler, scheduler, chance.choice(COUNTS))
                was_enough = alike(finished.images, truth) >= SIDE_BY_SIDE.below
                for compared, vae in (("images", demo.vae), ("latents", None)):
                    answer = (was_enough, *finished.checked(vae))
                    print(compared, sampler, cfg, alike(finished.images, truth), answer, file=sys.stderr)
                    for name in (compared, f"{compared}, {sampler}", f"{compared}, cfg {cfg:g}"):
                        rows[name].append(answer)
    return {"undecided": undecided, **{name: summary(rows[name]) for name in sorted(rows)}}


def long_run(demo: Any, positive: Any, seed: int, cfg: float, sampler: str, shift: float, steps: int) -> Any:
    """Return the images of a long run."""
    import torch
    from sweetspot.nodes.running.stock import KSamplerSettings, sample_traced
    from sweetspot.samplers.schedules import shifted_levels

    settings = KSamplerSettings(
        seed, cfg, sampler, "simple", 1.0, sigmas=torch.tensor(shifted_levels(1.0, shift, steps))
    )
    sampled, _ = sample_traced(demo.model, steps, settings, positive, demo.condition(""), demo.empty, lambda *_: None)
    return demo.pictures(sampled["samples"])


class Finished:
    """A run with the settings of a user."""

    def __init__(
        self, demo: Any, positive: Any, seed: int, cfg: float, sampler: str, scheduler: str, steps: int
    ) -> None:
        """Run it."""
        from sweetspot.nodes.running.job import Job, run_job
        from sweetspot.nodes.running.stock import KSamplerSettings
        from sweetspot.nodes.running.watched_run import Extras

        settings = KSamplerSettings(seed, cfg, sampler, scheduler, 1.0)
        self.job = Job(demo.model, steps, settings, positive, demo.condition(""), demo.empty, Extras())
        self.sampled, self.trace, _ = run_job(self.job)
        self.images = demo.pictures(self.sampled["samples"])

    def checked(self, vae: Any) -> tuple[str, list[float], int]:
        """Return the answer of its check, how similar its runs are, and how many model calls that took."""
        from sweetspot.comparison.measures.visibility import SIDE_BY_SIDE
        from sweetspot.nodes.comparing.run_check import check_run
        from sweetspot.presets.plan import SAFE_DEFAULT

        found: Any = check_run(self.job, self.sampled, self.trace, vae, SAFE_DEFAULT, SIDE_BY_SIDE.below)
        return (
            found.answer,
            [round(run.similarity, 4) for run in found.runs],
            sum(run.model_calls for run in found.runs),
        )


def summary(rows: list[tuple[bool, str, list[float], int]]) -> str:
    """Return how many answers were right, and how wrong the others were."""
    enough = [was for was, answer, *_ in rows if answer == "enough"]
    more = [was for was, answer, *_ in rows if answer == "not finished"]
    answered, right = len(enough) + len(more), sum(enough) + sum(not was for was in more)
    calls = sum(calls for *_, calls in rows) / len(rows)
    return (
        f"right {right} of {answered} ({right / max(answered, 1):.1%}), false enough {len(enough) - sum(enough)} of "
        f"{len(enough)}, needless more {sum(more)} of {len(more)}, not clear {len(rows) - answered}, {calls:.1f} calls"
    )


if __name__ == "__main__":
    main()

"""Judges verdicts by the truth: long second-order runs of the demo model, which are checked against each other.

`.venv/bin/python benchmarks/truth.py --cases 40 --seed 1`

Each case is a fresh prompt with a random sampler, scheduler, cfg, size, denoise and seed. It is asked in three ways: 4,
25, 50; the ladder 4 to 50; and auto. A verdict is right if it names the smallest of the asked counts from which on all
look like the truth; none counts as one rung past the last. Cases whose long runs disagree are left out and counted.
"""

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from sampler import Demo, load, run_inside

ASKED = {"4, 25, 50": (4, 25, 50), "ladder": (4, 6, 8, 12, 16, 24, 32, 50), "auto": ()}
SAMPLERS = ("euler", "heun", "dpmpp_2m", "res_multistep")
SCHEDULERS = ("simple", "karras", "beta")
# Two solvers on two schedules from the case's own starting level: shift and steps.
LONG = (("dpmpp_2m", 3.0, 120), ("res_multistep", 1.5, 160))
SHORT = dict(zip(ASKED, ("4,25,50", "ladder", "auto"), strict=True))


def main() -> None:
    """Judge, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cfg", type=float, nargs="+", default=(1.5, 3.0, 5.0, 7.0))
    parser.add_argument("--sizes", type=int, nargs="+", default=(128, 192, 256))
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS)
    parser.add_argument("--denoise", type=float, nargs="+", default=(1.0, 0.6))
    parser.add_argument("--schedulers", nargs="+", default=SCHEDULERS)
    parser.add_argument("--no-check", action="store_true", help="without the second opinion")
    arguments = parser.parse_args()
    if arguments.inside is None:
        raise SystemExit(run_inside(Path(__file__)))
    load(arguments.inside)
    import torch

    with torch.inference_mode():
        figures = judged(arguments)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def judged(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how far the verdicts are from the truth, by the way of asking."""
    import numpy as np
    from sweetspot.comparison.runs import Sampling
    from sweetspot.demo.training.scenes import sample_scene

    chance, scenes = random.Random(arguments.seed), np.random.default_rng(arguments.seed)
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    undecided = 0
    for number in range(arguments.cases):
        caption = sample_scene(scenes).caption
        sampling = Sampling(
            chance.randrange(2**32),
            chance.choice(arguments.cfg),
            chance.choice(arguments.samplers),
            chance.choice(arguments.schedulers),
            chance.choice(arguments.denoise),
        )
        case = Case(caption, sampling, chance.choice(arguments.sizes))
        if not case.decided:
            undecided += 1
            continue
        for way in ASKED:
            rows[way].append(case.asked(way, check=not arguments.no_check))
        for way, of_way in rows.items():
            print(number, way, sampling.denoise, case.size, of_way[-1], file=sys.stderr)
    return {"undecided": undecided, **{SHORT[way]: summary(of_way) for way, of_way in rows.items()}}


class Case:
    """One prompt and its settings, with its truth."""

    def __init__(self, caption: str, sampling: Any, size: int) -> None:
        from sweetspot.nodes.comparing.engine import ComfyEngine, Subject
        from sweetspot.nodes.comparing.progress import ComparisonProgress

        demo = Demo(size)
        latent = demo.empty
        self.size, self.sampling = size, sampling
        subject = Subject(demo.model, demo.condition(caption), demo.condition(""), latent, demo.vae)
        self.engine = ComfyEngine(subject, ComparisonProgress(demo.model), 1 << 30)
        start = float(self.engine.schedule(sampling, 50)[0])
        long = [
            self.images(
                steps, replace(sampling, sampler_name=sampler, denoise=1.0, sigmas=shifted(start, shift, steps))
            )
            for sampler, shift, steps in LONG
        ]
        self.truth = long[0]
        self.decided = self.alike(*long) >= threshold()

    def images(self, steps: int, sampling: Any = None) -> Any:
        """Return the images of one run, by default with the case's own settings."""
        from sweetspot.comparison.runs import Task

        return self.engine.run([Task(sampling or self.sampling, steps)])[0].images

    @staticmethod
    def alike(left: Any, right: Any) -> float:
        """Return how similar two runs' images look."""
        from sweetspot.comparison.measures.levels import to_floats
        from sweetspot.comparison.measures.visibility import Look

        return min(
            Look.of(to_floats(one)).similarity(Look.of(to_floats(other)))
            for one, other in zip(left, right, strict=True)
        )

    def asked(self, way: str, *, check: bool) -> dict[str, Any]:
        """Return the verdict of one way of asking, beside the truth."""
        from sweetspot.comparison.contenders import Contender
        from sweetspot.comparison.rounds import Question, compare

        counts = ASKED[way]
        judgement = compare(
            self.engine, [Contender(self.sampling)], Question(counts, auto=not counts, check=check)
        ).first
        rungs = list(counts or ASKED["ladder"])
        similar = {count: self.alike(self.images(count), self.truth) for count in rungs}
        true = len(rungs)
        while true > 0 and similar[rungs[true - 1]] >= threshold():
            true -= 1
        spot = judgement.sweet_spot
        named = rungs.index(spot.steps) if spot.steps in rungs else len(rungs)
        return {
            "case": f"{self.sampling.sampler_name}/{self.sampling.scheduler} cfg {self.sampling.cfg:g}",
            "similar": {count: round(value, 3) for count, value in similar.items()},
            "check": judgement.check and round(judgement.check.similarity, 3),
            "apart": named - true,
            "sure": spot.confidence,
            "reached": true < len(rungs),
            "named": spot.steps,
            "calls": sum(judged.run.model_calls for judged in judgement.runs)
            + (judgement.check.model_calls if judgement.check else 0),
        }


def shifted(start: float, shift: float, steps: int) -> tuple[float, ...]:
    """Return noise levels of a flow-matching model that fall from a level to 0, evenly in time under a shift."""
    first = start / (shift - (shift - 1) * start)
    times = [first * (1 - step / steps) for step in range(steps + 1)]
    return tuple(shift * time / (1 + (shift - 1) * time) for time in times)


def threshold() -> float:
    """Return the similarity below which a difference is visible side by side."""
    from sweetspot.comparison.measures.visibility import SIDE_BY_SIDE, THRESHOLDS

    return THRESHOLDS[SIDE_BY_SIDE]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the shares of right verdicts, and of sure ones that are wrong."""
    high = [row for row in rows if row["sure"] == "high"]
    right = [row for row in rows if abs(row["apart"]) <= 1]
    return {
        "cases": len(rows),
        "within a rung": round(len(right) / len(rows), 3),
        "exact": round(sum(not row["apart"] for row in rows) / len(rows), 3),
        "high and wrong by two or more": f"{sum(abs(row['apart']) >= 2 for row in high)} of {len(high)}",
        "needless not reached": f"{sum(row['reached'] and row['named'] is None for row in rows)} of {len(rows)}",
        "high among right": round(sum(row["sure"] == "high" for row in right) / max(len(right), 1), 3),
        "apart": dict(sorted(Counter(row["apart"] for row in rows).items())),
        "calls": round(sum(row["calls"] for row in rows) / len(rows), 1),
    }


if __name__ == "__main__":
    main()

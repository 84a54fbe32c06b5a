"""Judges verdicts by the truth: long second-order runs, which are checked against each other.

`.venv/bin/python benchmarks/truth.py --cases 40 --seed 1`
`.venv/bin/python benchmarks/truth.py --closed-forms 200 --modes 1 8 --seed 1`
`.venv/bin/python benchmarks/truth.py --finished --cases 40 --seed 1 --cfg 3 --sizes 128 --denoise 1`

Each case is a fresh prompt of the demo model, or a model in closed form, with a random sampler, scheduler, cfg, size,
denoise and seed. It is asked in three ways: 4, 25, 50; the ladder 4 to 50; and auto. A verdict is right if it names the
smallest of the asked counts from which on all look like the truth; none counts as one rung past the last. A largest
count that alone looks different does not count, as in the product. Cases whose long runs disagree are left out and
counted. With --finished, no verdict is asked for: it shows with which settings the pictures look like the truth.
"""

import argparse
import hashlib
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from closed_forms import SCHEDULERS, ClosedForm
from sampler import Demo, load, run_inside

LADDER = (4, 6, 8, 12, 16, 24, 32, 50)
ASKED = {"4,25,50": (4, 25, 50), "ladder": LADDER, "auto": ()}
SAMPLERS = ("euler", "heun", "dpmpp_2m", "res_multistep")
# Two solvers on two schedules from the case's own starting level: shift (or rho, where it is not flow) and steps.
LONG = (("dpmpp_2m", 3.0, 7.0, 120), ("res_multistep", 1.5, 5.0, 160))


def main() -> None:
    """Judge, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--closed-forms", type=int, help="as many models in closed form instead of the demo model")
    parser.add_argument("--modes", type=int, nargs="+", default=(1, 8), help="how many modes the closed forms have")
    parser.add_argument("--cfg", type=float, nargs="+", default=(1.5, 3.0, 5.0, 7.0))
    parser.add_argument("--sizes", type=int, nargs="+", default=(128, 192, 256))
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS)
    parser.add_argument("--denoise", type=float, nargs="+", default=(1.0, 0.6))
    parser.add_argument("--schedulers", nargs="+", default=SCHEDULERS)
    parser.add_argument("--finished", action="store_true", help="how many pictures are finished, by settings")
    parser.add_argument("--no-check", action="store_true", help="without the second opinion")
    parser.add_argument("--keep", type=Path, help="folder for the runs' images, so that they are sampled only once")
    arguments = parser.parse_args()
    if arguments.inside is None:
        raise SystemExit(run_inside(Path(__file__)))
    load(arguments.inside)
    import torch

    with torch.inference_mode():
        figures = finished(arguments) if arguments.finished else judged(arguments)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


def judged(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how far the verdicts are from the truth, by the way of asking, over all cases and by each setting."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    undecided = 0
    for case in closed_forms(arguments) if arguments.closed_forms else demo_cases(arguments):
        if not case.decided:
            undecided += 1
            continue
        for way in ASKED:
            rows[way].append(case.asked(way, check=not arguments.no_check))
            print(way, json.dumps(rows[way][-1]), file=sys.stderr)
    return {"undecided": undecided, **{way: summary(rows[way], rows["ladder"]) for way in ASKED}}


def finished(arguments: argparse.Namespace) -> dict[str, str]:
    """Return how many pictures look like the truth, by sampler, scheduler or shift, and steps."""
    counts: dict[str, list[bool]] = defaultdict(list)
    for case in demo_cases(arguments):
        if not case.decided:
            continue
        start = float(case.engine.schedule(case.sampling, 50)[0])
        for sampler in ("euler", "dpmpp_2m"):
            for steps in (8, 12, 25, 50):
                own = replace(case.sampling, sampler_name=sampler, scheduler="simple")
                on_shift = replace(own, denoise=1.0, sigmas=shifted(start, 3.0, steps))
                for schedule, sampling in (("simple", own), ("simple on shift 3", on_shift)):
                    alike = case.alike(case.images(steps, sampling), case.truth)
                    counts[f"{sampler}, {schedule}, {steps} steps"].append(alike >= threshold())
    return {settings: f"{sum(values)} of {len(values)}" for settings, values in counts.items()}


def random_sampling(chance: random.Random, arguments: argparse.Namespace) -> Any:
    """Return random settings."""
    from sweetspot.comparison.runs import Sampling

    return Sampling(
        chance.randrange(2**32),
        chance.choice(arguments.cfg),
        chance.choice(arguments.samplers),
        chance.choice(arguments.schedulers),
        chance.choice(arguments.denoise),
    )


def demo_cases(arguments: argparse.Namespace) -> "Iterator[Case]":
    """Yield fresh prompts of the demo model."""
    import numpy as np
    import torch
    from sweetspot.demo.training.scenes import sample_scene
    from sweetspot.nodes.comparing.engine import ComfyEngine, Subject
    from sweetspot.nodes.comparing.live_runs import LiveRuns
    from sweetspot.nodes.comparing.progress import ComparisonProgress

    chance, scenes = random.Random(arguments.seed), np.random.default_rng(arguments.seed)
    demo = Demo()
    for _ in range(arguments.cases):
        caption = sample_scene(scenes).caption
        sampling, size = random_sampling(chance, arguments), chance.choice(arguments.sizes)
        latent = {"samples": torch.zeros(1, 16, size // 8, size // 8)}
        subject = Subject((demo.model,), (demo.condition(caption),), demo.condition(""), latent, demo.vae)
        engine = ComfyEngine(subject, ComparisonProgress(demo.model, LiveRuns(None)), 1 << 30)
        yield Case(Kept(engine, arguments.keep, f"{caption} {size}"), sampling, str(size))


def closed_forms(arguments: argparse.Namespace) -> "Iterator[Case]":
    """Yield models in closed form."""
    chance = random.Random(arguments.seed)
    for _ in range(arguments.closed_forms):
        number, modes = chance.randrange(2**32), chance.choice(arguments.modes)
        engine = Kept(ClosedForm(number, modes), arguments.keep, f"{number} {modes}")
        yield Case(engine, random_sampling(chance, arguments), f"{modes} modes")


class Kept:
    """An engine that runs each task once, and keeps its images in a file if there is a folder for them."""

    def __init__(self, engine: Any, folder: Path | None, name: str) -> None:
        self._engine, self._folder, self._name = engine, folder, name
        self._runs: dict[str, Any] = {}
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def __getattr__(self, name: str) -> Any:
        """Return everything else from the engine itself."""
        return getattr(self._engine, name)

    def run(self, tasks: Any) -> list[Any]:
        """Return a run for each task."""
        return [self._run(task) for task in tasks]

    def _run(self, task: Any) -> Any:
        name = hashlib.sha256(f"{self._name} {task}".encode()).hexdigest()[:32]
        if name not in self._runs:
            self._runs[name] = self._from_file(name, task)
        return self._runs[name]

    def _from_file(self, name: str, task: Any) -> Any:
        import numpy as np
        from sweetspot.comparison.runs import Run

        file = self._folder / f"{name}.npz" if self._folder else None
        if file is not None and file.is_file():
            kept = np.load(file)
            return Run(task.steps, int(kept["calls"]), float(kept["seconds"]), kept["images"])
        (run,) = self._engine.run([task])
        if file is not None:
            np.savez_compressed(file, images=run.images, calls=run.model_calls, seconds=run.seconds)
        return run


class Case:
    """One model and its settings, with its truth."""

    def __init__(self, engine: Kept, sampling: Any, kind: str) -> None:
        self.engine, self.sampling, self.kind = engine, sampling, kind
        levels = [level for level in engine.schedule(sampling, 50) if level > 0]
        long = []
        for sampler, shift, rho, steps in LONG:
            sigmas = shifted(levels[0], shift, steps) if levels[0] <= 1 else karras(levels[0], levels[-1], rho, steps)
            long.append(self.images(steps, replace(sampling, sampler_name=sampler, denoise=1.0, sigmas=sigmas)))
        self.truth = long[0]
        self.decided = self.alike(*long) >= threshold()

    def images(self, steps: int, sampling: Any = None) -> Any:
        """Return the images of one run, by default with the case's own settings."""
        from sweetspot.comparison.runs import Task

        return self.engine.run([Task(sampling or self.sampling, steps)])[0].images

    @staticmethod
    def alike(left: Any, right: Any) -> float:
        """Return how similar two runs' images look."""
        from sweetspot.comparison.measures.measured import Prepared

        return min(Prepared(one).similarity(Prepared(other)) for one, other in zip(left, right, strict=True))

    def asked(self, way: str, *, check: bool) -> dict[str, Any]:
        """Return the verdict of one way of asking, beside the truth."""
        from sweetspot.comparison.contenders import Contender
        from sweetspot.comparison.rounds import Question, compare

        counts = ASKED[way]
        judgement = compare(
            self.engine, [Contender(self.sampling)], Question(counts, auto=not counts, check=check)
        ).first
        rungs = list(counts or LADDER)
        similar = [self.alike(self.images(count), self.truth) for count in rungs]
        true = true_rung([value >= threshold() for value in similar])
        spot = judgement.sweet_spot
        named = rungs.index(spot.steps) if spot.steps in rungs else len(rungs)
        sampling = self.sampling
        return {
            "sampler": sampling.sampler_name,
            "scheduler": sampling.scheduler,
            "cfg": sampling.cfg,
            "denoise": sampling.denoise,
            "kind": self.kind,
            "similar": {count: round(value, 3) for count, value in zip(rungs, similar, strict=True)},
            "check": judgement.check and round(judgement.check.similarity, 3),
            "apart": named - true,
            "sure": spot.confidence,
            "reached": true < len(rungs),
            "named": spot.steps,
            "ran": judgement.counts,
            "calls": sum(judged.run.model_calls for judged in judgement.runs)
            + (judgement.check.model_calls if judgement.check else 0),
        }


def true_rung(right: list[bool]) -> int:
    """Return the first rung from which on all are right; their number if there is none."""
    if right[-3:] == [True, True, False]:
        right = right[:-1]
    true = len(right)
    while true > 0 and right[true - 1]:
        true -= 1
    return true


def shifted(start: float, shift: float, steps: int) -> tuple[float, ...]:
    """Return noise levels of a flow-matching model that fall from a level to 0, evenly in time under a shift."""
    first = start / (shift - (shift - 1) * start)
    times = [first * (1 - step / steps) for step in range(steps + 1)]
    return tuple(shift * time / (1 + (shift - 1) * time) for time in times)


def karras(start: float, end: float, rho: float, steps: int) -> tuple[float, ...]:
    """Return noise levels by the schedule of Karras et al. 2022, then 0."""
    first, last = start ** (1 / rho), end ** (1 / rho)
    return (*((first + step / (steps - 1) * (last - first)) ** rho for step in range(steps)), 0.0)


def threshold() -> float:
    """Return the similarity below which a difference is visible side by side."""
    from sweetspot.comparison.measures.visibility import SIDE_BY_SIDE

    return SIDE_BY_SIDE.below


def summary(rows: list[dict[str, Any]], ladder: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the shares of right verdicts, and of sure ones that are wrong, beside the calls of the whole ladder."""
    high = [row for row in rows if row["sure"] == "high"]
    right = [row for row in rows if is_right(row)]
    settings = {
        f"{name} {value}": f"{sum(map(is_right, of_value))} of {len(of_value)}"
        for name in ("sampler", "scheduler", "cfg", "denoise", "kind")
        for value in sorted({row[name] for row in rows})
        if (of_value := [row for row in rows if row[name] == value])
    }
    return {
        "cases": len(rows),
        "within a rung": round(len(right) / len(rows), 3),
        "exact": round(sum(not row["apart"] for row in rows) / len(rows), 3),
        "high and wrong by two or more": f"{sum(not is_right(row) for row in high)} of {len(high)}",
        "needless not reached": f"{sum(row['reached'] and row['named'] is None for row in rows)} of {len(rows)}",
        "high among right": round(sum(row["sure"] == "high" for row in right) / max(len(right), 1), 3),
        "calls": round(sum(row["calls"] for row in rows) / len(rows), 1),
        "calls over the ladder's": round(sum(row["calls"] for row in rows) / sum(row["calls"] for row in ladder), 3),
        "within a rung, by setting": settings,
    }


def is_right(row: dict[str, Any]) -> bool:
    """Return whether a verdict is within a rung of the truth."""
    return abs(row["apart"]) <= 1


if __name__ == "__main__":
    main()

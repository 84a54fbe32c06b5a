"""Runs tasks: makes the images of a ladder and judges them where they are, so that only numbers travel."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..comparison.measures.measured import Prepared
from ..comparison.runs import Run, Sampling, Task
from ..engines.diffusers import DiffusersEngine, DiffusersModel, Scene
from .grid import DEMO, Ladder, Model, Row


class Worker:
    """Runs tasks in this process and holds one model, the last one that it needed.

    Args:
        images: folder for the images, named by their cells' keys; None keeps none.
    """

    def __init__(self, images: Path | None = None) -> None:
        self._images = images
        self._model: Model | None = None
        self._loaded: DiffusersModel | None = None

    def run(self, ladder: Ladder) -> list[Row]:
        """Return the row of each cell of a task.

        Raises:
            Exception: what loading or sampling raises.
        """
        model = self._model_of(ladder.model)
        contender = ladder.contender
        scene = Scene((ladder.prompt,), ladder.negative, ladder.size, ladder.length)
        engine = DiffusersEngine(model, scene, ladder.model.guidance)
        sampling = Sampling(ladder.seed, contender.cfg, contender.sampler, contender.scheduler)
        engine.check(sampling)
        runs = engine.run([Task(sampling, steps) for steps in ladder.steps])
        if self._images is not None:
            _keep(self._images, ladder, runs)
        similarities = _similarities(runs, engine.device)
        return [
            Row(
                ladder.key(run.steps),
                ladder.model.name,
                contender.name,
                ladder.prompt,
                ladder.seed,
                run.steps,
                similarity,
                run.model_calls,
                run.seconds,
                model.place,
            )
            for run, similarity in zip(runs, similarities, strict=True)
        ]

    def _model_of(self, model: Model) -> DiffusersModel:
        if model != self._model or self._loaded is None:
            # The last one goes first, so that both never need the memory at once.
            self._model = self._loaded = None
            self._loaded, self._model = _load(model), model
        return self._loaded


def failed(ladder: Ladder, error: str) -> list[Row]:
    """Return the rows of a task that failed."""
    return [
        Row(ladder.key(n), ladder.model.name, ladder.contender.name, ladder.prompt, ladder.seed, n, error=error)
        for n in ladder.steps
    ]


def _load(model: Model) -> DiffusersModel:
    if model.path == DEMO:
        from ..demo.load import load_model

        return load_model(model.device or "cpu", 1.0 if model.shift is None else model.shift)
    from ..engines.load_pipeline import load_pipeline

    config = Path(model.config) if model.config else None
    pipeline = load_pipeline(Path(model.path), config, model.device, model.dtype, model.offload)
    return DiffusersModel(pipeline, shift=model.shift)


def _similarities(runs: Sequence[Run], device: str) -> list[float]:
    """Return how similar each run's least similar image looks to that of the largest step count."""
    last = runs[-1]
    found: list[list[float]] = [[] for _ in runs]
    for number in range(len(last.images)):
        end = Prepared(last.images[number], device)
        for place, run in enumerate(runs):
            image = end if run is last else Prepared(run.images[number], device)
            found[place].append(image.similarity(end))
    return [min(values) for values in found]


def _keep(folder: Path, ladder: Ladder, runs: Sequence[Run]) -> None:
    from ..comparison.pictures.metadata import write_png

    folder.mkdir(parents=True, exist_ok=True)
    for run in runs:
        for number, image in enumerate(run.images):
            write_png(image_of(folder, ladder.key(run.steps), number), image, {})


def image_of(folder: Path, key: str, number: int) -> Path:
    """Return the file of a cell's image."""
    return folder / f"{key}_{number}.png"


def remote_class(ray: Any, images: Path | None, gpus: float) -> Any:
    """Return a Ray actor class that holds one model; Ray restarts it, and its tasks, if its process dies.

    Its `run` takes a number and a task, and returns the number with the rows, or with the error as a text, because an
    exception would not tell which task it belongs to.
    """

    class Remote:
        def __init__(self) -> None:
            self._worker = Worker(images)

        def run(self, number: int, ladder: Ladder) -> tuple[int, list[Row] | str]:
            try:
                return number, self._worker.run(ladder)
            except Exception as error:  # noqa: BLE001 - whatever it is, the driver decides
                return number, f"{type(error).__name__}: {error}"

    options = {"num_gpus": gpus} if gpus else {"num_cpus": 1}
    return ray.remote(max_restarts=-1, max_task_retries=3, **options)(Remote)

"""The figures of `real_size.py` for one model at one size."""

import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from executor import Executor, on_gpu
from real_prompts import Prompt, Prompts
from shapes import Built

_MB = 1 << 20


class Bench:
    """Measures one model at one size.

    Args:
        executor: runs prompts.
        built: the model.
        side: height and width of the pictures.
        quick: whether few steps are enough.
    """

    def __init__(self, executor: Executor, built: Built, side: int, *, quick: bool) -> None:
        self._executor, self._built = executor, built
        self._prompts = Prompts(built.shape.name, side, built.shape.cfg)
        self._video = built.shape.frames > 1
        short = quick or self._video
        self._counts = (2, 5, 8) if short else (4, 25, 50)
        self._steps, self._pairs, self._more = (6, 2, 4) if short else (20, 3, 12)

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the ratios, the seconds, the memory, and on a GPU how often the host waits for it."""
        prompts, counts = self._prompts, ", ".join(map(str, self._counts))
        self._seconds(prompts.stock(2))
        ratios = {"Step-Aware Sampler over KSampler": self._pairs_of(prompts.aware, prompts.stock)}
        if self._built.shape.cfg > 1:
            ratios["guidance in the first half over all steps"] = self._pairs_of(
                lambda steps: prompts.aware(steps, guidance_window="first half"), prompts.aware
            )
        self._seconds(prompts.compare("1, 2"))
        stock = self._peak_of(prompts.stock_pictures(self._counts))
        stock_seconds = self._seconds(prompts.stock_pictures(self._counts))
        for together in ("auto", "off"):
            taken = self._seconds(prompts.compare(counts, together=together))
            ratios[f"compare over three samplers, together {together}"] = taken / stock_seconds
        # Another threshold judges again, and samples and decodes nothing.
        seconds = {"judging, drawing and showing": self._seconds(prompts.compare(counts, again=True, threshold=95.0))}
        more = ", ".join(map(str, sorted([*self._counts, self._more])))
        ratios["one count more over its sampler"] = self._seconds(prompts.compare(more, again=True)) / self._seconds(
            prompts.stock_pictures((self._more,))
        )
        shared = self._calls(prompts.compare(counts, together="auto")) / sum(self._counts)
        ratios["its model calls over theirs, together auto"] = shared
        seconds["one step"] = self._seconds(prompts.stock(self._steps)) / self._steps
        seconds["decoding"] = self._decoding()
        ratios["one-wire node over three samplers"] = self._seconds(prompts.wire(counts, self._counts[0])) / (
            stock_seconds
        )
        if not self._video:
            ratios["model calls of auto over 50"] = self._calls(prompts.compare("auto", together="off")) / 50
        ours = self._peak_of(prompts.compare(counts, together="off"))
        loads = self._loads_of(prompts.compare(counts, together="off"))
        found = {"ratios": ratios, "seconds": seconds, "loads of model and VAE": {"in one comparison": loads}}
        if ours and stock:
            found["memory"] = {"peak over stock's": ours / stock, "peak, MB": ours / _MB}
        return found | self._waits()

    def _seconds(self, prompt: Prompt) -> float:
        return self._executor.run(prompt)[0]

    def _calls(self, prompt: Prompt) -> int:
        """Run a prompt, and return how often it called the model."""
        with self._built.counting() as calls:
            self._seconds(prompt)
        return calls[0]

    def _pairs_of(self, ours: Callable[[int], Prompt], theirs: Callable[[int], Prompt]) -> float:
        """Return the median ratio of times, in pairs in alternating order."""
        ratios = []
        for number in range(self._pairs):
            pair = [ours(self._steps), theirs(self._steps)]
            took = [self._seconds(prompt) for prompt in (pair if number % 2 else pair[::-1])]
            mine, other = took if number % 2 else took[::-1]
            ratios.append(mine / other)
        return statistics.median(ratios)

    def _decoding(self) -> float:
        """Return the seconds to decode one picture, or the frames of one video."""
        import torch
        from nodes import VAEDecode  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

        latent = self._built.empty(self._prompts.side)
        start = time.perf_counter()
        VAEDecode().decode(self._built.vae, latent)
        if on_gpu():
            torch.cuda.synchronize()
        return time.perf_counter() - start

    def _peak_of(self, prompt: Prompt) -> int:
        """Return the most bytes on the GPU while a prompt runs; 0 without one."""
        import torch

        if not on_gpu():
            self._seconds(prompt)
            return 0
        torch.cuda.reset_peak_memory_stats()
        self._seconds(prompt)
        return torch.cuda.max_memory_allocated()

    def _loads_of(self, prompt: Prompt) -> int:
        """Return how often a model or VAE is loaded while a prompt runs, beginning with none."""
        import comfy.model_management as management  # pyright: ignore[reportMissingImports]

        management.unload_all_models()
        loads, load = [], management.LoadedModel.model_load

        def counted(self: Any, *rest: Any, **options: Any) -> Any:
            if not self.model.loaded_size():
                loads.append(self)
            return load(self, *rest, **options)

        management.LoadedModel.model_load = counted
        try:
            self._seconds(prompt)
        finally:
            management.LoadedModel.model_load = load
        return len(loads)

    def _waits(self) -> dict[str, dict[str, float]]:
        """Return for each sampler how often the host waits for the GPU in one step; nothing without a GPU."""
        if not on_gpu():
            return {}
        few, many = self._steps, 2 * self._steps
        found = {}
        for name, make in (("KSampler", self._prompts.stock), ("Step-Aware Sampler", self._prompts.aware)):
            counts = []
            for steps in (few, many):
                with _waits_noted() as noted:
                    self._seconds(make(steps))
                counts.append(len(noted))
            found[name] = (counts[1] - counts[0]) / (many - few)
        return {"waits of the host in one step": found}


@contextmanager
def _waits_noted() -> Iterator[list[Any]]:
    """Note each operation that makes the host wait for the GPU."""
    import torch

    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield noted
        finally:
            torch.cuda.set_sync_debug_mode("default")

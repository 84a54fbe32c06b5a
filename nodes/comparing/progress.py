"""One progress bar over all runs of a comparison."""

import time
from collections.abc import Sequence
from typing import Any

import comfy.model_management
import comfy.utils
import latent_preview

from ...comparison.runs import Run, Task
from ..running.live import somebody_looks
from ..running.watched_run import OnStep
from .live_runs import LiveRuns


class ComparisonProgress:
    """One progress bar, in steps, with a preview of the current run.

    Args:
        model: ModelPatcher, whose latents the previews show.
        live: shows the progress on the node, too.
    """

    def __init__(self, model: Any, live: LiveRuns) -> None:
        self._live, self._started = live, 0.0
        self._total, self._done, self._shown = 0, 0, 0
        self._bar = comfy.utils.ProgressBar(1)
        self._previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)

    def expect(self, steps: int) -> None:
        """Add steps that will run."""
        self._total += steps

    def for_run(self, task: Task) -> OnStep:
        """Return the sampler callback for a task, which runs next."""
        steps, check = task.steps, self._live.is_check(task)

        def on_step(step: int, denoised: Any, _x: Any, total_steps: int) -> None:
            # A schedule may have more or fewer steps than requested.
            within = min(steps, round(steps * (step + 1) / max(total_steps, 1)))
            self._tell([steps], within, self._done + within, check=check)
            self._show(self._done + within, denoised)

        return on_step

    def for_runs(self, counts: Sequence[int], calls: Sequence[int]) -> Any:
        """Return the callback for runs that advance together.

        Args:
            counts: their step counts.
            calls: their model calls.
        """
        within = [0.0] * len(counts)

        def on_call(run: int, call: int, denoised: Any) -> None:
            within[run] = min(counts[run], counts[run] * (call + 1) / max(calls[run], 1))
            self._tell(counts, None, self._done + sum(within))
            # Preview the longest run.
            self._show(self._done + round(sum(within)), denoised if run == len(counts) - 1 else None)

        return on_call

    def sampled(self, task: Task) -> None:
        """Count a run as done."""
        self._done += task.steps
        self._update(self._done)

    def finish(self, task: Task, run: Run) -> None:
        """Show a run."""
        self._live.finished(task, run)

    def _tell(self, counts: Sequence[int], step: int | None, done: float, *, check: bool = False) -> None:
        """Report to the node which step counts run, at which step, and how many seconds are left by the pace so far."""
        now = time.perf_counter()
        self._started = self._started or now
        left = (now - self._started) / done * (self._total - done) if done > 1 else None
        about = {"steps": list(counts), "step": step, "title": "", "seconds_left": left, "check": check}
        self._live.progress(lambda: about)

    def _show(self, done: int, denoised: Any) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        if getattr(denoised, "is_nested", False):
            denoised = denoised.tensors[0]
        preview = None
        if self._previewer and denoised is not None and somebody_looks():
            preview = self._previewer.decode_latent_to_preview_image("JPEG", denoised)
        self._update(done, preview)

    def _update(self, done: int, preview: Any = None) -> None:
        # Steps of joint runs are shown before `finish` counts them, so keep the bar from moving back.
        self._shown = max(self._shown, done)
        self._bar.update_absolute(self._shown, self._total, preview)

"""The runs of a comparison inside ComfyUI: same everything but the step count, under one progress bar."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import comfy.model_management
import comfy.utils
import latent_preview
from nodes import VAEDecode  # pyright: ignore[reportAttributeAccessIssue] - ComfyUI's nodes, not ours

from ..comparison.grid import to_pillow
from ..comparison.measures import Image
from ..comparison.report import Run
from ..comparison.run_cache import RunCache, from_levels, to_levels
from .fingerprints import fingerprint, model_fingerprint, vae_fingerprint
from .sampling import OnStep, SamplerSettings, sample_traced

log = logging.getLogger("sweetspot.nodes.comparison")

_CACHE = RunCache(0)


class ComparisonProgress:
    """One progress bar over all runs of a comparison, with a preview of the run in hand.

    Args:
        model: ModelPatcher, whose latents the previews show.
        counts: the step counts that will run.
    """

    def __init__(self, model: Any, counts: Sequence[int]) -> None:
        self._total, self._done = sum(counts), 0
        self._bar = comfy.utils.ProgressBar(self._total)
        self._previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)

    def for_run(self, steps: int) -> OnStep:
        """Return the sampler callback for the next run, of `steps` steps."""

        def on_step(step: int, denoised: Any, _x: Any, total_steps: int) -> None:
            if getattr(denoised, "is_nested", False):
                denoised = denoised.tensors[0]
            preview = self._previewer.decode_latent_to_preview_image("JPEG", denoised) if self._previewer else None
            # A schedule may have more or fewer steps than were asked for.
            within = min(steps, round(steps * (step + 1) / max(total_steps, 1)))
            self._bar.update_absolute(self._done + within, self._total, preview)

        return on_step

    def finish(self, steps: int) -> None:
        """Count a run of `steps` steps as done."""
        self._done += steps
        self._bar.update_absolute(self._done, self._total)

    def show(self, picture: Image) -> None:
        """Let `picture` take the last preview's place, which the browser would keep in front of the node's result."""
        if self._previewer:
            preview = ("PNG", to_pillow(picture), None)
            self._bar.update_absolute(self._total, self._total, preview)


def run_step_counts(
    counts: Sequence[int],
    model: Any,
    settings: SamplerSettings,
    positive: Any,
    negative: Any,
    latent: dict[str, Any],
    vae: Any,
    progress: ComparisonProgress,
    cache_bytes: int = 0,
) -> list[Run]:
    """Sample and decode each step count from the same noise, in the given order; what was computed before is reused.

    A first, discarded run of one step takes the model's loading and warming up out of the times.

    Args:
        counts: step counts.
        model: ModelPatcher.
        settings: the KSampler's settings.
        positive: conditioning.
        negative: conditioning.
        latent: latent dict.
        vae: decodes the images.
        progress: the progress bar.
        cache_bytes: bytes of finished images that may be kept for later comparisons; 0 keeps and reuses none.

    Raises:
        comfy.model_management.InterruptProcessingException: if the user cancels, within or between runs.
        Exception: what sampling or decoding raises, of the same kind, with the step count in front of its message.
            Finished runs are kept.
    """
    _CACHE.limit(cache_bytes)
    key = _key(model, settings, positive, negative, latent, vae) if cache_bytes else ""
    runs: list[Run] = []
    for steps in counts:
        comfy.model_management.throw_exception_if_processing_interrupted()
        run = _CACHE.get(key, steps) if key else None
        if run is None:
            if all(before.reused for before in runs):
                sample_traced(model, 1, settings, positive, negative, latent, on_step=_ignore)
            with _naming(steps):
                sampled, trace = sample_traced(
                    model, steps, settings, positive, negative, latent, progress.for_run(steps)
                )
                (images,) = VAEDecode().decode(vae, sampled)
            pixels = from_levels(to_levels(images.cpu().float().numpy()))
            run = Run(steps, trace.model_calls, trace.seconds, pixels)
            if key:
                _CACHE.put(key, run)
        runs.append(run)
        progress.finish(steps)
    return runs


def _key(model: Any, settings: SamplerSettings, positive: Any, negative: Any, latent: dict[str, Any], vae: Any) -> str:
    """Return what determines all runs of a comparison, empty where it cannot be told: then nothing is reused."""
    try:
        return fingerprint(model_fingerprint(model), vars(settings), positive, negative, latent, vae_fingerprint(vae))
    except Exception as error:  # noqa: BLE001 - whatever another pack's objects raise
        # Another pack's model or VAE may be of any make; that must never end a comparison, only its reuse.
        log.warning("This comparison is not kept for later ones: %s", error)
        return ""


@contextmanager
def _naming(steps: int) -> Iterator[None]:
    """Put the step count in front of an error's message; its kind stays, as ComfyUI knows some by it."""
    try:
        yield
    except comfy.model_management.InterruptProcessingException:
        raise
    except Exception as error:
        try:
            named = type(error)(f"{steps} steps: {error}")
        except TypeError:
            named = RuntimeError(f"{steps} steps: {error}")
        raise named from error


def _ignore(_step: int, _denoised: Any, _x: Any, _total: int) -> None:
    comfy.model_management.throw_exception_if_processing_interrupted()

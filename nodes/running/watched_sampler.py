"""A SAMPLER that wraps another one and records a trace of each run for Read Step Trace; the result is the same."""

from collections import deque
from typing import Any

import comfy.samplers
import comfy.utils
import torch

from .live import LiveTrace
from .watched_run import Extras, WatchedRun

# ComfyUI runs a node for all entries of a list before it runs the next node.
_REMEMBERED = 256
_FINGERPRINT = 512
# ComfyUI may keep latents in half precision between nodes.
_HALF_PRECISION = 2.0**-7


class WatchedSampler(comfy.samplers.Sampler):
    """Samples like the SAMPLER that it wraps.

    Each run is stored with the latent that it produced, so that one object can serve several sampling nodes and be
    reused from ComfyUI's cache.

    Args:
        inner: the wrapped SAMPLER.
        extras: what to do besides watching.
        node_id: the node that live messages name.
    """

    def __init__(self, inner: Any, extras: Extras, node_id: str | None) -> None:
        self.inner = inner
        self._extras, self._node_id = extras, node_id
        self._runs: deque[tuple[torch.Tensor, WatchedRun]] = deque(maxlen=_REMEMBERED)

    def __getattr__(self, name: str) -> Any:
        """Return other attributes of the wrapped SAMPLER, e.g. `extra_options`, to code that looks for them."""
        if name == "inner":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def sample(
        self,
        model_wrap: Any,
        sigmas: torch.Tensor,
        extra_args: dict[str, Any],
        callback: Any,
        noise: Any,
        *rest: Any,
        **options: Any,
    ) -> torch.Tensor:
        """Sample like the wrapped SAMPLER; see `WatchedRun.sample`."""
        live = LiveTrace(self._node_id) if self._node_id else None
        run = WatchedRun(None, sampler_name(self.inner), self._extras, live=live)
        samples = run.sample(self.inner.sample, model_wrap, sigmas, extra_args, callback, noise, *rest, **options)
        given = model_wrap.inner_model.process_latent_out(samples.to(torch.float32))
        self._runs.append((_fingerprint(given), run))
        return samples

    def run_of(self, latent: dict[str, Any]) -> WatchedRun:
        """Return the run that produced a latent. Differences within half precision are ignored.

        Raises:
            ValueError: if none of the last runs produced it.
        """
        came = _fingerprint(latent["samples"])
        alike = [(_distance(came, given), run) for given, run in reversed(self._runs) if given.shape == came.shape]
        distance, run = min(alike, key=lambda pair: pair[0], default=(1.0, None))
        if run is None or distance > _HALF_PRECISION:
            raise ValueError(
                "latent: expected the `output` of the sampling node that this sampler is linked to, unchanged; "
                f"got a latent that none of its last {len(self._runs)} runs produced (at denoise 0, nothing runs)"
            )
        return run


def sampler_name(sampler: Any) -> str:
    """Return ComfyUI's name of a SAMPLER, or an empty text if it has none.

    A stock sampler that is set to inject noise behaves differently, so it doesn't count as the stock one.
    """
    options = getattr(sampler, "extra_options", {})
    if options.get("s_churn", 0) > 0 or options.get("eta", 0) > 0:
        return ""
    function = getattr(getattr(sampler, "sampler_function", None), "__name__", "")
    name = {"sample_unipc": "uni_pc", "sample_unipc_bh2": "uni_pc_bh2"}.get(function)
    name = name or function.removeprefix("sample_").removesuffix("_function")
    return name if name in comfy.samplers.KSampler.SAMPLERS else ""


def _fingerprint(samples: Any) -> torch.Tensor:
    """Return numbers that identify a latent: some evenly spaced elements, and its size."""
    if samples.is_nested:
        samples, _ = comfy.utils.pack_latents(samples.unbind())
    flat = samples.flatten()
    some = flat[:: max(flat.numel() // _FINGERPRINT, 1)].float().cpu()
    return torch.cat([some, torch.tensor([float(flat.numel())])])


def _distance(left: torch.Tensor, right: torch.Tensor) -> float:
    if left[-1] != right[-1]:
        return 1.0
    return float((left - right)[:-1].abs().max() / right[:-1].abs().max().clamp_min(1e-12))

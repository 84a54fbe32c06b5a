r"""How much the remaining steps can still change: an upper estimate, and a judge that decides when it is small.

A small change of the predicted clean image D in one step proves nothing: detail finer than the noise may not have
appeared yet. Think of an image as a sum of parts with many deviations s. Along the sampling ODE a part of deviation s
and amplitude c is predicted as  c u / sqrt(1 + u^2),  u = s / sigma,  so that at the noise level sigma

    it still changes by              R = c (1 - u / sqrt(1 + u^2)),
    and moves, as log(sigma) falls,  V = c u / (1 + u^2)^(3/2).

- Parts with u >= v visibly move:  R <= rho(v) V,  rho(v) = (1 - v / sqrt(1 + v^2)) (1 + v^2)^(3/2) / v.
- Parts with u < v are hidden by the noise, but small: with c <= s,  R <= sigma h(v),
  h(v) = max over u <= v of u (1 - u / sqrt(1 + u^2)), never more than 0.301.

So for every v the remaining change is at most  rho(v) V + sigma h(v);  the smallest of these is the estimate. V is the
mean over the last step, which is lowest at one of its ends; rho is therefore taken at v sigma / sigma_before.

The levels are those of x = image + sigma * noise. A flow-matching model's level t, x = (1 - t) image + t noise,
corresponds to sigma = t / (1 - t). The estimate assumes that the denoiser stays the same until the end: guidance or
conditions that begin later may still change the image.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

_PEAK = 0.7861513777574233  # the u at which u (1 - u / sqrt(1 + u^2)) is largest: sqrt of the golden section
_SPLITS = torch.logspace(-3, 1, 129, dtype=torch.float64)


def remaining_change(denoised: Tensor, before: Tensor, sigma: float, sigma_before: float) -> Tensor:
    """Return an upper estimate of what the steps after this one can still change, as a share of the image's contrast.

    RMS(end - D) / deviation(D), for the sample of the batch where it is largest; see the module's docstring for the
    derivation.

    Args:
        denoised: the predicted clean image D at sigma, shape (batch, ...).
        before: D of the step before, at sigma_before, same shape.
        sigma: noise level of x = image + sigma * noise, above 0.
        sigma_before: noise level of the step before, above sigma.

    Returns:
        The estimate, 0-d, at least 0; infinite if sigma_before is infinite or the levels do not fall.
    """
    if not 0 < sigma < sigma_before or math.isinf(sigma_before):
        return torch.full((), math.inf, device=denoised.device)
    now, then = (part.detach().flatten(1).float() for part in (denoised, before))
    moved = (now - then).square().mean(dim=1).sqrt() / math.log(sigma_before / sigma)
    seen, hidden = _bounds(sigma / sigma_before)
    seen, hidden = (part.to(now.device, torch.float32) for part in (seen, hidden))
    left = (moved[:, None] * seen + sigma * hidden).min(dim=1).values
    deviation = now.std(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    return (left / deviation).max()


def _bounds(ratio: float) -> tuple[Tensor, Tensor]:
    """Return rho(v sigma / sigma_before) and h(v) for all splits v."""
    u = _SPLITS * ratio
    root = (1 + u * u).sqrt()
    # 1 - u / sqrt(1 + u^2), written without cancellation.
    seen = (1 / (root * (root + u))) * root**3 / u
    peak = _SPLITS.clamp_max(_PEAK)
    root = (1 + peak * peak).sqrt()
    return seen, peak / (root * (root + peak))


@dataclass
class SettleJudge:
    """Decides after each step whether the remaining change is too small to see.

    Args:
        tolerance: the largest share of the image's contrast that the remaining steps may still change, above 0.
        noise_ratio: converts the model's noise levels to those of x = image + sigma * noise.
    """

    tolerance: float
    noise_ratio: Callable[[float], float] = float
    estimate: float = math.inf
    _before: Tensor | None = field(default=None, repr=False)
    _sigma_before: float = math.inf

    def settled(self, denoised: Tensor, sigma: float) -> bool:
        """Return whether the run may stop with this prediction, made at noise level sigma; waits for the device."""
        level = self.noise_ratio(sigma)
        before, sigma_before = self._before, self._sigma_before
        self._before, self._sigma_before = denoised.detach().clone(), level
        if before is None or before.shape != denoised.shape:
            return False
        self.estimate = float(remaining_change(denoised, before, level, sigma_before))
        return self.estimate <= self.tolerance

"""The Euler method on the sampling ODE  dx/dsigma = (x - D(x, sigma)) / sigma,  for any denoiser D."""

from collections.abc import Callable

from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
StepCallback = Callable[[int, Tensor], None]


def sample_euler(denoise: Denoiser, x: Tensor, sigmas: Tensor, callback: StepCallback | None = None) -> Tensor:
    """Carry x from sigmas[0] to sigmas[-1] with one model call a step; order 1.

    x_{i+1} = D + (sigma_{i+1} / sigma_i) * (x_i - D),  D = D(x_i, sigma_i)

    For a last level of 0 the step returns D itself. On flow-matching models this is what diffusers'
    FlowMatchEulerDiscreteScheduler and ComfyUI's `euler` do.

    Source: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, algorithm 1
    without its correction step.

    Args:
        denoise: the predicted clean image D(x, sigma) for x of any shape and a 0-d sigma.
        x: the noisy start at sigmas[0]; left unchanged.
        sigmas: the schedule, falling, all but the last above 0, shape (N + 1,).
        callback: called after each model call with the step's index and D.

    Returns:
        The sample at sigmas[-1], shaped as x.

    Raises:
        ValueError: if sigmas does not fall strictly or reaches 0 before its end.
    """
    if sigmas.ndim != 1 or len(sigmas) < 2 or not bool((sigmas[1:] < sigmas[:-1]).all()) or float(sigmas[-1]) < 0:
        raise ValueError(f"sigmas: expected at least 2 strictly falling noise levels >= 0, got {sigmas.tolist()}")
    for i in range(len(sigmas) - 1):
        denoised = denoise(x, sigmas[i])
        if callback is not None:
            callback(i, denoised)
        x = denoised + (sigmas[i + 1] / sigmas[i]) * (x - denoised)
    return x

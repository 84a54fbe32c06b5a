"""How similar two latents are, for where no VAE shows what they look like."""

from torch import Tensor
from torch.nn import functional

# Differences of single values are mostly grain.
_TILE = 2


def latent_similarity(latent: Tensor, reference: Tensor) -> float:
    """Return 1 - the difference of the tile of 2 x 2 values where it is largest, at least 0.

    The difference of a tile is the root mean square, over the channels, of the differences of its means, as a share of
    the channel's deviation in the reference. For a video, it is the frame where that is largest.

    Args:
        latent: shape (channels, ..., height, width), or (channels, length) for sound.
        reference: same shape.
    """
    channels = reference.shape[0]
    deviation = reference.float().reshape(channels, -1).std(dim=1, correction=0).clamp_min(1e-6)
    apart = (latent.float() - reference.float()) / deviation.view(-1, *[1] * (reference.ndim - 1))
    height = reference.shape[-2] if reference.ndim > 2 else 1
    apart = apart.reshape(channels, -1, height, reference.shape[-1]).transpose(0, 1)
    rows, columns = (max(1, round(length / _TILE)) for length in apart.shape[-2:])
    means = functional.adaptive_avg_pool2d(apart, (rows, columns))
    return max(0.0, 1 - float(means.square().mean(dim=1).sqrt().max()))

"""A tensor's content as bytes for a fingerprint: whole, or for weights some sums over all of its bytes."""

import torch

from .unidentified import UnidentifiedError

# Weights that are larger are identified by sums of their 8-byte words. The number of sums is odd, and not a divisor of
# the usual lengths of rows, so that a sum never covers whole columns: swapped rows, heads or layers change the sums,
# unless their distance is a multiple of it.
_WHOLE_BYTES = 1 << 12
_SUMS, _WORD = 509, 8


def content_of(tensor: torch.Tensor) -> list[torch.Tensor]:
    """Return all bytes of a tensor, as tensors of bytes on its device.

    Raises:
        UnidentifiedError: if the tensor has no data, e.g. on the device `meta`.
    """
    return [_flat(tensor)]


def sketch_of(weights: torch.Tensor) -> list[torch.Tensor]:
    """Return bytes that change with any change of weights that isn't made to hide, as tensors on their device.

    Each word is in one of the sums, so no single change goes unnoticed, and what moves is nearly always in another one.

    Raises:
        UnidentifiedError: if the tensor has no data.
    """
    flat = _flat(weights)
    if flat.numel() <= _WHOLE_BYTES:
        return [flat]
    if flat.storage_offset() % _WORD:
        flat = flat.clone()
    whole = flat.numel() // (_WORD * _SUMS) * _WORD * _SUMS
    sums = flat[:whole].view(torch.int64).view(-1, _SUMS).sum(0)
    return [sums.view(torch.uint8), flat[whole:]]


def host_bytes(tensors: list[torch.Tensor]) -> list[memoryview]:
    """Return the bytes of tensors of bytes, in the same order; waits once for each device.

    Args:
        tensors: one-dimensional.
    """
    on_device: dict[torch.device, list[int]] = {}
    for place, tensor in enumerate(tensors):
        on_device.setdefault(tensor.device, []).append(place)
    found: dict[int, memoryview] = {}
    for places in on_device.values():
        joined = torch.cat([tensors[place] for place in places]).cpu().numpy().data
        at = 0
        for place in places:
            end = at + tensors[place].numel()
            found[place], at = joined[at:end], end
    return [found[place] for place in range(len(tensors))]


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_meta or tensor.layout != torch.strided:
        raise UnidentifiedError(f"a tensor on the device {tensor.device} with the layout {tensor.layout}")
    return tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)

"""A tensor's content as bytes for a fingerprint: whole, or for weights a sum over all bytes and many samples."""

from typing import TypeAlias

import torch

from .unidentified import UnidentifiedError

# Weights that are larger are identified by the sum of their 8-byte words and this many evenly spread blocks of words.
_WHOLE_BYTES = 1 << 20
_BLOCKS, _BLOCK_WORDS, _WORD = 1 << 12, 8, 8

Bytes: TypeAlias = list[memoryview]


def content_of(tensor: torch.Tensor) -> Bytes:
    """Return all bytes of a tensor.

    Raises:
        UnidentifiedError: if the tensor has no data, e.g. on the device `meta`.
    """
    return [_bytes(_flat(tensor))]


def sketch_of(weights: torch.Tensor) -> Bytes:
    """Return bytes that change with any change of weights that isn't made to hide, without copying them to the CPU.

    A sum over all words notices every single change; the blocks notice where something moved.

    Raises:
        UnidentifiedError: if the tensor has no data.
    """
    flat = _flat(weights)
    if flat.numel() <= _WHOLE_BYTES:
        return [_bytes(flat)]
    if flat.storage_offset() % _WORD:
        flat = flat.clone()
    whole = flat.numel() // (_WORD * _BLOCK_WORDS) * _WORD * _BLOCK_WORDS
    words = flat[:whole].view(torch.int64)
    blocks = words.view(-1, _BLOCK_WORDS)
    spread = blocks[:: max(len(blocks) // _BLOCKS, 1)]
    return [_bytes(words.sum().reshape(1)), _bytes(spread), _bytes(flat[whole:])]


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_meta or tensor.layout != torch.strided:
        raise UnidentifiedError(f"a tensor on the device {tensor.device} with the layout {tensor.layout}")
    return tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)


def _bytes(tensor: torch.Tensor) -> memoryview:
    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data

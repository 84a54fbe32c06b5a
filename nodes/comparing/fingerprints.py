"""A short text for everything that determines a run's result: equal texts mean equal results, but not vice versa.

Content is hashed wherever possible (numbers, tensors, weight files), so that objects which ComfyUI recreates still
match. Anything without content, e.g. a function that another node added to the model, matches only itself.
"""

import contextlib
import hashlib
import itertools
import types
import weakref
from collections.abc import Mapping
from typing import Any

import torch

from ..model.evidence import source_file

# Larger tensors (weights) are identified by their sum and a part of their elements.
_WHOLE_BYTES = 1 << 20
_PART = 1 << 12


class _Tokens:
    """Gives each object its own number for as long as it exists."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._next = itertools.count()

    def of(self, value: Any) -> int:
        entry = self._known.get(id(value))
        if entry is not None and entry[0]() is value:
            return entry[1]
        token, place = next(self._next), id(value)
        # Without a weak reference, another object could later have the same id, so such objects get a new number.
        with contextlib.suppress(TypeError):
            self._known[place] = (weakref.ref(value, lambda _: self._known.pop(place, None)), token)
        return token


_TOKENS = _Tokens()
_WEIGHTS: "weakref.WeakKeyDictionary[torch.nn.Module, str]" = weakref.WeakKeyDictionary()


def fingerprint(*values: Any) -> str:
    """Return the fingerprint of plain data, tensors, modules, and other objects, which match only themselves."""
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()


def model_fingerprint(model: Any) -> str:
    """Return the fingerprint of a MODEL with all its patches and options."""
    patches = [getattr(model, name, None) for name in ("object_patches", "model_options", "wrappers", "callbacks")]
    patches += [getattr(model, name, None) for name in ("injections", "hook_patches", "additional_models")]
    dtypes = (str(model.model_dtype()), str(getattr(model.model, "manual_cast_dtype", None)))
    return fingerprint(type(model.model).__name__, _origin(model), dtypes, model.patches, *patches)


def vae_fingerprint(vae: Any) -> str:
    """Return the fingerprint of a VAE."""
    kinds = (str(getattr(vae, "vae_dtype", None)), str(getattr(vae, "output_device", None)))
    return fingerprint(weights_fingerprint(vae.first_stage_model), kinds)


def weights_fingerprint(module: torch.nn.Module) -> str:
    """Return the fingerprint of a module's weights, computed once per module."""
    if module not in _WEIGHTS:
        _WEIGHTS[module] = fingerprint(type(module).__name__, dict(module.state_dict()))
    return _WEIGHTS[module]


def _origin(model: Any) -> Any:
    """Return the file that the weights come from, or a fingerprint of the weights if the file is not known."""
    path = source_file(model)
    try:
        status = path.stat() if path is not None else None
    except OSError:
        status = None
    return (str(path), status.st_mtime_ns, status.st_size) if status is not None else weights_fingerprint(model.model)


def _feed(digest: Any, value: Any) -> None:
    digest.update(type(value).__name__.encode() + b"\0")
    if value is None or isinstance(value, bool | int | float | str | bytes | torch.dtype | torch.device):
        digest.update(repr(value).encode())
    elif isinstance(value, torch.Tensor):
        _feed_tensor(digest, value)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, list | tuple | set | frozenset):
        digest.update(str(len(value)).encode())
        for entry in value:
            _feed(digest, entry)
    else:
        _feed_object(digest, value)


def _feed_object(digest: Any, value: Any) -> None:
    # Imported here, so that if a later ComfyUI moves it, only reuse stops working and the pack still loads.
    from comfy.weight_adapter.base import WeightAdapterBase

    if getattr(value, "is_nested", False):
        _feed(digest, list(value.unbind()))
    elif isinstance(value, torch.nn.Module):
        kinds = [kind.__qualname__ for kind in type(value).__mro__]
        # Also include attributes: unsaved buffers, and settings such as a shift.
        own = {name: entry for name, entry in vars(value).items() if not name.startswith("_")}
        _feed(digest, [kinds, dict(value.state_dict()), dict(value.named_buffers()), own])
    elif isinstance(value, types.MethodType):
        _feed(digest, [_TOKENS.of(value.__self__), value.__func__.__qualname__])
    elif isinstance(value, WeightAdapterBase):
        # A LoRA's weights for one layer.
        _feed(digest, [type(value).__qualname__, value.weights])
    else:
        _feed(digest, _TOKENS.of(value))


def _feed_tensor(digest: Any, tensor: torch.Tensor) -> None:
    _feed(digest, [str(tensor.dtype), list(tensor.shape)])
    flat = tensor.detach().reshape(-1)
    if flat.numel() * flat.element_size() > _WHOLE_BYTES:
        # Sum bytes, because not every dtype supports sums, e.g. 8-bit floats.
        _feed(digest, int(flat.contiguous().view(torch.uint8).sum(dtype=torch.int64)))
        flat = flat[:: flat.numel() // _PART]
    digest.update(flat.cpu().contiguous().view(torch.uint8).numpy().tobytes())

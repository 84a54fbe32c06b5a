"""A short text for everything that determines a run's result: equal texts mean equal results, but not vice versa.

Content is read, so that objects which ComfyUI recreates still match, and objects that were changed in place don't. What
another pack made is also identified by the object itself, because its class may hide what it depends on. What can't be
identified at all, e.g. a generator, raises an error.
"""

import enum
import hashlib
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import comfy.model_patcher
import torch

from .bookkeeping import bookkeeping_of
from .code_in_use import CodeInUse, settings_in_use
from .object_tokens import ObjectTokens
from .tensors import content_of, host_bytes, sketch_of
from .unidentified import UnidentifiedError

# More objects than a comparison's inputs have: past this, something leads into the rest of the program.
_MOST_OBJECTS = 500_000
_PLAIN = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    torch.dtype,
    torch.device,
    torch.layout,
    torch.Size,
    type(...),
)
_DESCRIPTORS = (property, staticmethod, classmethod, types.MemberDescriptorType, types.GetSetDescriptorType)
_CONTAINERS = (dict, list, tuple, set, frozenset)
_OWN_ROOT = __name__.split(".nodes.")[0]
# Packages whose classes keep nothing that decides a result outside their objects.
_KNOWN = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "comfy_kitchen", "nodes", "numpy", "torch"}
_KNOWN |= sys.stdlib_module_names

_TOKENS = ObjectTokens()
_CODE = CodeInUse()


def fingerprint(*values: Any) -> str:
    """Return the fingerprint of any values, among them a MODEL, VAE, CLIP_VISION, conditioning and latent.

    It also covers functions of ComfyUI and torch that were replaced, and global settings that change results.

    Raises:
        UnidentifiedError: if one of them can't be identified.
    """
    reading = _Reading()
    reading.feed([_CODE.replaced(), settings_in_use()])
    for value in values:
        reading.feed(value)
    return reading.digest()


class _Reading:
    """One pass over values; each object is read once, and later only referred to by its number."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)
        # Holds the objects too: a temporary object's id could otherwise be given to another one.
        self._seen: dict[int, tuple[int, Any]] = {}
        # What ComfyUI has replaced for the time that a model is loaded, by the id of the owner.
        self._originals: dict[int, dict[str, Any]] = {}
        self._tensor_bytes: Callable[[torch.Tensor], list[torch.Tensor]] = content_of
        # Read at the end, so that the host waits only once for a device.
        self._contents: list[torch.Tensor] = []
        self._readers: tuple[tuple[Any, Callable[[Any], None]], ...] = (
            (torch.Tensor, self._tensor),
            (torch.nn.Module, self._object),
            (comfy.model_patcher.ModelPatcher, self._patcher),
            (type, self._class),
            ((types.FunctionType, types.MethodType), self._function),
            (types.BuiltinFunctionType, self._builtin),
            (types.ModuleType, lambda module: self._text("module", module.__name__)),
            (enum.Enum, lambda member: self._text("enum", type(member).__qualname__, repr(member))),
            (types.CodeType, lambda code: self._text("code", str(_TOKENS.of(code)))),
            (torch.Generator, lambda generator: self.feed(generator.get_state())),
        )

    def digest(self) -> str:
        for content in host_bytes(self._contents):
            self._digest.update(content)
        return self._digest.hexdigest()

    def feed(self, value: Any) -> None:
        """Add a value of any kind."""
        if isinstance(value, _PLAIN):
            self._text(type(value).__name__, repr(value))
        elif id(value) in self._seen:
            self._text("seen", str(self._seen[id(value)][0]))
        elif type(value) in _CONTAINERS and not value:
            self._text(type(value).__name__)
        elif len(self._seen) >= _MOST_OBJECTS:
            raise UnidentifiedError(f"more than {_MOST_OBJECTS} objects")
        else:
            self._seen[id(value)] = (len(self._seen), value)
            (self._container if type(value) in _CONTAINERS else self._read)(value)

    def _text(self, *texts: str) -> None:
        encoded = "\0".join(texts).encode("utf-8", "surrogatepass")
        self._digest.update(b"%d %d " % (len(texts), len(encoded)) + encoded)

    def _read(self, value: Any) -> None:
        for kinds, read in self._readers:
            if isinstance(value, kinds):
                return read(value)
        return self._object(value)

    def _container(self, value: Any) -> None:
        self._text(type(value).__name__, str(len(value)))
        if isinstance(value, Mapping):
            self._pairs(value.items())
        else:
            for entry in sorted(value, key=repr) if isinstance(value, set | frozenset) else value:
                self.feed(entry)

    def _pairs(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        plain: list[tuple[str, Any]] = []
        for name, value in pairs:
            if type(name) is str and type(value) in _PLAIN:
                plain.append((name, value))
            else:
                self.feed(name)
                self.feed(value)
        if plain:
            self._text("plain", repr(plain))

    def _tensor(self, tensor: torch.Tensor) -> None:
        self._text(type(tensor).__qualname__, str(tensor.dtype), str(list(tensor.shape)), str(tensor.requires_grad))
        if hasattr(tensor, "__tensor_flatten__"):  # quantised weights: several tensors in one
            names, context = tensor.__tensor_flatten__()  # pyright: ignore[reportAttributeAccessIssue] - just looked
            self._pairs((name, getattr(tensor, name)) for name in names)
            return self.feed(context)
        contents = self._tensor_bytes(tensor.as_subclass(torch.Tensor))
        self._text("bytes", *(str(part.numel()) for part in contents))
        self._contents += contents
        return self._pairs(vars(tensor).items())

    def _class(self, kind: type) -> None:
        """Add a class. ComfyUI makes some of its classes anew for each model, so those are known by their names."""
        for each in kind.__mro__:
            self._text("class", each.__module__, each.__qualname__)
            if not _is_known(each):
                self.feed(_TOKENS.of(each))
                skipped = ("__dict__", "__weakref__", "__doc__")
                self._pairs((name, entry) for name, entry in vars(each).items() if name not in skipped)

    def _function(self, function: Any) -> None:
        if isinstance(function, types.MethodType):
            self.feed(function.__self__)
            function = function.__func__
            if not isinstance(function, types.FunctionType):
                return self.feed(function)
        self._text("function", function.__module__ or "", function.__qualname__)
        self.feed([function.__code__, function.__defaults__, function.__kwdefaults__, vars(function)])
        for cell in function.__closure__ or ():
            try:
                self.feed(cell.cell_contents)
            except ValueError:  # not filled yet
                self._text("empty")
        if not _is_known(function):
            self.feed(_TOKENS.of(function))
            used = [name for name in function.__code__.co_names if name in function.__globals__]
            self._pairs((name, function.__globals__[name]) for name in used)
        return None

    def _builtin(self, function: Any) -> None:
        self._text("builtin", function.__module__ or "", function.__qualname__)
        if not isinstance(function.__self__, types.ModuleType | type(None)):
            self.feed(function.__self__)

    def _patcher(self, patcher: Any) -> None:
        for key, value in patcher.object_patches_backup.items():
            self._note_original(patcher.model, key, value)
        for key, entry in patcher.backup.items():
            self._note_original(patcher.model, key, entry.weight)
        for key, value in getattr(patcher, "backup_buffers", {}).items():
            self._note_original(patcher.model, key, value)
        self._object(patcher)

    def _note_original(self, model: torch.nn.Module, key: str, value: Any) -> None:
        path, _, name = key.rpartition(".")
        owner: Any = model
        for part in path.split(".") if path else ():
            owner = getattr(owner, part)
        self._originals.setdefault(id(owner), {})[name] = value

    def _object(self, value: Any) -> None:
        """Add an object by its class and state; one of another pack's class also by itself."""
        self.feed(type(value))
        if not _is_known(type(value)):
            self.feed(_TOKENS.of(value))
        if isinstance(value, _DESCRIPTORS):
            return self.feed(getattr(value, "__func__", None) or getattr(value, "fget", None))
        notes = bookkeeping_of(type(value))
        state = {name: entry for name, entry in getattr(value, "__dict__", {}).items() if name not in notes}
        if isinstance(value, torch.nn.Module):
            return self._module(value, state)
        if isinstance(value, comfy.model_patcher.ModelPatcher):
            self._sketched([state.pop("patches", None), state.pop("hook_patches", None)])
        # A model's patcher comes first, because it knows what is replaced inside the model.
        self._pairs(sorted(state.items(), key=lambda pair: not isinstance(pair[1], comfy.model_patcher.ModelPatcher)))
        return None if _is_plain_class(type(value)) else self._reduced(value, notes)

    def _module(self, module: torch.nn.Module, state: dict[str, Any]) -> None:
        originals = self._originals.get(id(module), {})
        for group in ("_parameters", "_buffers", "_modules"):
            entries = {name: originals.get(name, entry) for name, entry in state.pop(group, {}).items()}
            if entries:
                self._text(group)
                (self._sketched if group == "_parameters" else self.feed)(entries)
        for name in ("weight_function", "bias_function"):
            # While a model is loaded, ComfyUI keeps functions of its own here.
            state[name] = [entry for entry in state.get(name) or () if not _is_known(entry)]
        # Every module has a dozen empty containers for hooks.
        filled = {name: entry for name, entry in state.items() if not isinstance(entry, Mapping | list | set) or entry}
        self._pairs((name, originals.get(name, entry)) for name, entry in filled.items())

    def _sketched(self, value: Any) -> None:
        """Add a value in which tensors are weights."""
        before, self._tensor_bytes = self._tensor_bytes, sketch_of
        self.feed(value)
        self._tensor_bytes = before

    def _reduced(self, value: Any, notes: frozenset[str]) -> None:
        """Add what pickling would keep of an object: that covers slots and the state of classes written in C."""
        try:
            parts = value.__reduce_ex__(2)
        except Exception as error:
            raise UnidentifiedError(f"{type(value).__module__}.{type(value).__qualname__}: {error}") from error
        if isinstance(parts, str):
            return self._text("named", parts)
        for part in parts:
            if isinstance(part, dict):
                self._pairs((name, entry) for name, entry in part.items() if name not in notes)
            else:
                self.feed(list(part) if hasattr(part, "__next__") else part)
        return None


@cache
def _is_plain_class(kind: type) -> bool:
    """Return whether all state of the class's objects is in their `__dict__`."""
    plain = all(base is object or ("__slots__" not in vars(base) and _is_python(base)) for base in kind.__mro__)
    return plain and kind.__reduce_ex__ is object.__reduce_ex__


def _is_python(kind: type) -> bool:
    return "__dict__" in vars(kind) or any("__dict__" in vars(base) for base in kind.__mro__)


def _is_known(value: Any) -> bool:
    """Return whether a class or function belongs to ComfyUI, torch, the standard library or this pack."""
    module = getattr(value, "__module__", None) or ""
    return module.split(".")[0] in _KNOWN or module == _OWN_ROOT or module.startswith(f"{_OWN_ROOT}.")

"""What ComfyUI knows of node classes."""

from typing import Any

import nodes  # ComfyUI's nodes, not ours


def class_of(kind: str) -> Any:
    """Return a node class, or None if there is none of this name."""
    return nodes.NODE_CLASS_MAPPINGS.get(kind)  # pyright: ignore[reportAttributeAccessIssue] - ComfyUI's, not ours


def is_paid(kind: str) -> bool:
    """Return whether a node class calls a paid service."""
    return bool(getattr(class_of(kind), "API_NODE", False))


def type_of_input(kind: str, name: str) -> str:
    """Return the type that a node class declares for an input; empty if it declares none."""
    declared = class_of(kind).INPUT_TYPES()
    entry = declared.get("required", {}).get(name) or declared.get("optional", {}).get(name) or ("",)
    return entry[0] if isinstance(entry[0], str) else ""

"""Sweet Spot: how many inference steps are enough, answered inside ComfyUI.

This file is the door for ComfyUI: it names the folder that the browser is served and hands over the nodes. Nothing is
imported or done before ComfyUI asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comfy_api.latest import ComfyExtension

__version__ = "0.1.0"

WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> ComfyExtension:
    """Return the extension that holds the pack's nodes; ComfyUI calls this once at its start."""
    from .nodes import SweetSpotExtension

    return SweetSpotExtension()

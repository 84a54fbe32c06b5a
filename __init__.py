"""Sweet Spot: shows inside ComfyUI how many inference steps are enough.

ComfyUI loads the pack from this file: it names the folder with the browser files and returns the nodes. Nothing is
imported or run until ComfyUI asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comfy_api.latest import ComfyExtension

__version__ = "0.1.0"

WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> ComfyExtension:
    """Return the extension that holds the pack's nodes; ComfyUI calls this once when it starts."""
    from .nodes import SweetSpotExtension

    return SweetSpotExtension()

"""The server that this ComfyUI runs as."""

import sys
from typing import Any


def this_server() -> Any:
    """Return ComfyUI's server, or None if ComfyUI is used without one."""
    # Looked up, not imported: if ComfyUI is used without its server, importing it would load the server.
    return getattr(getattr(sys.modules.get("server"), "PromptServer", None), "instance", None)

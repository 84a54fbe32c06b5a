"""ComfyUI's face: one file a node, V3 schema. The only Python here that imports comfy."""

from comfy_api.latest import ComfyExtension, io

from .compare import SweetSpotCompare
from .demo_model import SweetSpotDemoModel
from .preset import SweetSpotPreset
from .sampler import SweetSpotSampler
from .save_preset import SweetSpotSavePreset


class SweetSpotExtension(ComfyExtension):
    """The pack's nodes, as ComfyUI asks for them."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Return every node class of the pack."""
        return [SweetSpotPreset, SweetSpotSampler, SweetSpotCompare, SweetSpotDemoModel, SweetSpotSavePreset]

"""The ComfyUI nodes, one file per node, with V3 schemas. Only this folder imports comfy."""

import logging
from pathlib import Path

from comfy_api.latest import ComfyExtension, io

from .calibrate import SweetSpotCalibrate
from .compare import SweetSpotCompare
from .compare_audio import SweetSpotCompareAudio
from .compare_options import SweetSpotCompareOptions
from .compare_workflow import SweetSpotCompareWorkflow
from .comparing.kept_runs import drop_when_asked
from .contender import SweetSpotContender
from .demo_model import SweetSpotDemoModel
from .filmstrip import SweetSpotFilmstrip
from .guidance_window import SweetSpotGuidanceWindow
from .model.asking_user import note_users
from .plan import SweetSpotPlan
from .plan_sigmas import SweetSpotPlanSigmas
from .preset import SweetSpotPreset
from .read_trace import SweetSpotReadTrace
from .route import add_routes
from .sampler import SweetSpotSampler
from .save_comparison import SweetSpotSaveComparison
from .save_preset import SweetSpotSavePreset
from .workflow.branch_nodes import (
    SweetSpotBranchEnd,
    SweetSpotBranchSampling,
    SweetSpotBranchVerdict,
    SweetSpotBranchWatch,
)
from .wrap_sampler import SweetSpotWrapSampler

_HERE = Path(__file__).resolve().parent.parent

log = logging.getLogger("sweetspot.nodes")


class SweetSpotExtension(ComfyExtension):
    """Gives ComfyUI the pack's nodes.

    Args:
        other_copy: folder of another copy of the pack that has brought them already; None if there is none.
    """

    def __init__(self, other_copy: Path | None = None) -> None:
        self._other_copy = other_copy

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Add what the server needs, its routes first, and return every node class of the pack."""
        if self._other_copy is not None:
            log.warning("Sweet Spot is installed twice: %s is used and %s is not. Remove one.", self._other_copy, _HERE)
            return []
        # Not in `on_load`, because ComfyUI before 0.9 doesn't call it.
        add_routes()
        note_users()
        drop_when_asked()
        return [
            SweetSpotPreset,
            SweetSpotPlan,
            SweetSpotSampler,
            SweetSpotCompare,
            SweetSpotCompareWorkflow,
            SweetSpotCompareAudio,
            SweetSpotContender,
            SweetSpotCompareOptions,
            SweetSpotSaveComparison,
            SweetSpotCalibrate,
            SweetSpotDemoModel,
            SweetSpotSavePreset,
            SweetSpotWrapSampler,
            SweetSpotReadTrace,
            SweetSpotPlanSigmas,
            SweetSpotGuidanceWindow,
            SweetSpotFilmstrip,
            SweetSpotBranchWatch,
            SweetSpotBranchSampling,
            SweetSpotBranchEnd,
            SweetSpotBranchVerdict,
        ]

"""A saved compare workflow on the demo model, run by the standalone engine."""

import io
from typing import Any

from ..comparison.pictures.grid import draw_grid, to_pillow
from ..comparison.report import build_report
from ..comparison.runs import Series, Settings
from ..comparison.step_counts import parse_step_counts
from ..demo import files
from ..demo.load import VARIANT, load_engine, recommended
from ..engines.diffusers_flow import Guidance, run_step_counts


def compare_workflow(workflow: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """Return the grid as PNG and the report of a workflow in API form that holds one Multi-Step Compare.

    The prompts, the size, the seed and the step counts are the workflow's, the other settings the demo model's plan.
    """
    node = next(node["inputs"] for node in workflow.values() if node["class_type"] == "SweetSpotCompare")
    latent = workflow[node["latent_image"][0]]["inputs"]
    plan = recommended()
    positive, negative = (workflow[node[name][0]]["inputs"]["text"] for name in ("positive", "negative"))
    runs = run_step_counts(
        load_engine(),
        parse_step_counts(node["steps"]),
        Guidance(positive, negative, plan.cfg),
        node["seed"],
        (latent["width"], latent["height"]),
    )
    settings = Settings(
        engine="diffusers",
        variant=VARIANT,
        source=files.TRANSFORMER.name,
        sampler=plan.sampler_name,
        scheduler=plan.scheduler,
        cfg=plan.cfg,
        seed=node["seed"],
    )
    report = build_report([Series(settings, runs)])
    picture = io.BytesIO()
    to_pillow(draw_grid(report)).save(picture, "PNG")
    return picture.getvalue(), report.to_dict()

"""Save Comparison: writes a comparison's images, grid, curve, report and page to the output folder."""

from comfy_api.latest import io

from ..comparison.files import CURVE, GRID, IMAGES, PAGE, REPORT
from ..comparison.report import Report
from .comparing.save import check_prefix, save_in_output_folder
from .schema import Comparison, make_schema

_PARTS = {
    IMAGES: "Each image as PNG, with its step count, the report and the workflow in it.",
    GRID: "All images side by side, as PNG.",
    CURVE: "The curve, as PNG.",
    REPORT: "The report, as JSON and as Markdown.",
    PAGE: "One HTML page with slider, curve and tables. It opens in any browser and needs no other file.",
}


class SweetSpotSaveComparison(io.ComfyNode):
    """Saves a comparison in the output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node's inputs and outputs."""
        return make_schema(
            node_id="SweetSpotSaveComparison",
            display_name="Save Comparison",
            description="Saves a comparison of step counts: images, grid, curve, report, and an HTML page.",
            search_aliases=["save grid", "save report", "export comparison", "html"],
            is_output_node=True,
            # With these, each image carries its workflow and can be dropped into ComfyUI to load it.
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                Comparison.Input("comparison", tooltip="From a comparison node."),
                io.String.Input(
                    "filename_prefix",
                    default="comparison/steps",
                    tooltip="Beginning of the file names, as in Save Image. It may contain folders.",
                ),
                *[
                    io.Boolean.Input(part, default=True, optional=True, tooltip=tooltip)
                    for part, tooltip in _PARTS.items()
                ],
            ],
            outputs=[
                io.String.Output("text", display_name="text", tooltip="What was saved, and where."),
            ],
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str | None) -> bool | str:
        """Refuse a prefix under which nothing can be saved before anything runs; a linked one once it is known."""
        try:
            if filename_prefix is not None:
                check_prefix(filename_prefix)
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, comparison: Report, filename_prefix: str, **parts: bool) -> io.NodeOutput:
        """Save what is wanted, and list the files."""
        check_prefix(filename_prefix)
        chosen = [part for part in _PARTS if parts.get(part, True)]
        if not chosen:
            raise ValueError(f"{', '.join(_PARTS)}: expected at least one of them to be on, got none")
        files = save_in_output_folder(cls, comparison, filename_prefix, chosen)
        pictures = [file for file in files if file["filename"].endswith(".png")]
        others = [file for file in files if file not in pictures]
        where = f" in {files[0]['subfolder']}" if files[0]["subfolder"] else ""
        text = f"{len(files)} files saved{where}: {', '.join(chosen)}."
        return io.NodeOutput(text, ui={"images": pictures, "files": others, "text": [text]})

"""ComfyUI's own modules in this process, on the CPU and without a server."""

import sys
import warnings

from sweetspot.cli.comfyui import find_comfyui


def _load_comfyui() -> None:
    folder = find_comfyui()
    assert folder is not None
    # At the end: ComfyUI's folder has modules of common names, such as `utils`.
    sys.path.append(str(folder))
    arguments, sys.argv = sys.argv, ["main.py", "--cpu"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import comfy.options

            comfy.options.enable_args_parsing()
            import comfy.cli_args
            import comfy.samplers
            import nodes  # noqa: F401 - ComfyUI's, which ours import
            import torch

            # The models are tiny, and several processes run these tests.
            torch.set_num_threads(1)
    finally:
        sys.argv = arguments


if "comfy" not in sys.modules:
    _load_comfyui()

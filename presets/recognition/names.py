"""What file names tell. Names are compared in one normal form: lower case, no folder, no ending, `_` between words.

The rules were measured on the official templates (403 sets of model and LoRA names): a step count in a name is the one
in use in 40 of 41 sets, and "few steps or not" is told right in 390 of 403. They say less of community names.
"""

import re
from functools import lru_cache

from ...graphs.model_files import MODEL_ENDINGS

# Names that speak of steps, light or turbo without being few-step models.
_MISLEADING = re.compile(
    r"light_?migration|relight|timestep|control_?net|lora_?384|(?:de|un)_?(?:distill|turbo)\w*"
    r"|(?:pixel_art|style)\w*z_?image_turbo|(?<![a-z])\d+_?step_?controlnet"
)
# Longer names are cut: patterns are searched in them.
LONGEST_NAME = 300
MOST_FEW_STEPS = 16
_NAMELESS = re.compile(r"(high_noise_|low_noise_)?(diffusion_pytorch_|pytorch_)?(model|lora_weights)(_fp16|_bf16)?")
# Parts of a checkpoint, not a diffusion model; a VAE baked into a model is told in other words.
_NOT_A_MODEL = re.compile(
    r"(?<!no_)(?<!with_)(?<!incl_)(?<!baked_)(?<![a-z0-9])(vae|control_?net|upscaler|text_encoder)(?![a-z0-9])"
)

# What is added to a name to tell the file's format, size or part, not another model.
_NEUTRAL = re.compile(
    r"fp\d+|bf16|f16|f32|e\dm\d(?:fn)?|scaled|mixed|fp8mixed|int\d|nvfp4|mxfp8|convrot|awq|svdq|q\d|k|m|s|l|xs|nf4|gguf|pruned"
    r"|ema|emaonly|only|kj|v?\d+|v\d+\w?|\d+b|\d+m|transformer|diffusion|model|unet|dit|comfy|comfyui|original|official"
    r"|repackaged|high|low|highnoise|lownoise|noise|incl|clips|t5xxl\w*|bnb|\d+vae|xt|\d+p|vae|with|without|full|all|in|one|aio|base|dev|release|r\d+|rank\d+|hd|preview\d*"
)
_STEPS = re.compile(r"(?<![0-9])(\d{1,2})_?steps?(?![a-z])")
_ACCELERATED = re.compile(
    r"lightning|lightx2v|hyper_?(?:sd|flux)|turbo|schnell|distill|(?<![a-z])lcm(?![a-z])|dmd2|(?<![a-z])tcd(?![a-z])"
    r"|causvid|causal_forcing|fasth3|klein_(?!base)\d|hidream_i1_(?:fast|dev)|hidream_o1_image_dev|step_distill"
)
# Distilled in guidance alone, or named so without being few-step (publishers' own words).
_FULL_LENGTH = re.compile(
    r"hunyuan_?video_?1_5(?!.*step_distill)(?!.*sr)\w*distilled|hunyuan_?dit\w*distill|nocfg|3d\w*mv_turbo|hidream_e1"
)


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """Return a file's name in normal form: `models/Qwen-Image_fp8.safetensors` becomes `qwen_image_fp8`.

    Names that many files share, `diffusion_pytorch_model` and the like, get their folder's name before them.
    """
    *folders, base = name.lower()[-LONGEST_NAME:].replace("\\", "/").split("/")
    for ending in MODEL_ENDINGS:
        base = base.removesuffix(ending)
    words = _words(base)
    return f"{_words(folders[-1])}_{words}" if folders and _NAMELESS.fullmatch(words) else words


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


def steps_in_name(name: str) -> int | None:
    """Return the step count that a name tells (`...-Lightning-4steps...` gives 4), None where it tells none."""
    found = _STEPS.search(_MISLEADING.sub("_", normalise(name)))
    return int(found[1]) if found and int(found[1]) > 0 else None


def accelerator_word(name: str) -> str:
    """Return the word by which a name says that few steps are enough, empty where it does not say so."""
    text = _MISLEADING.sub("_", normalise(name))
    if _FULL_LENGTH.search(text):
        return ""
    found = _ACCELERATED.search(text)
    if found:
        return found[0]
    steps = _STEPS.search(text)
    return f"{steps[1]} steps" if steps and 0 < int(steps[1]) <= MOST_FEW_STEPS else ""


def names_a_part(name: str) -> bool:
    """Return whether a name in normal form is that of a VAE, ControlNet, upscaler or text encoder."""
    return _NOT_A_MODEL.search(name) is not None


def says_more(name: str, start: int, end: int) -> bool:
    """Return whether a name in normal form tells more than the part from `start` to `end` and its file's format.

    `qwen_image_fp8_e4m3fn` tells no more than `qwen_image`; `qwen_image_anime_mix` does: that is somebody's own model.
    """
    rest = name[:start].split("_") + name[end:].split("_")
    return any(word and not _NEUTRAL.fullmatch(word) for word in rest)

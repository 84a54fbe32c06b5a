"""What file names say. Names are compared in one normal form: lower case, no folder or extension, `_` between words.

The rules were measured on the official templates (403 sets of model and LoRA names): a step count in a name is the one
in use in 40 of 41 sets, and "few steps or not" is right in 390 of 403. They are less reliable for community names.
"""

import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from ...graphs.model_files import MODEL_ENDINGS
from ..catalogue import load_families

# Longer names are cut, so that searching patterns in them stays fast.
LONGEST_NAME = 300
MOST_FEW_STEPS = 16
_NAMELESS = re.compile(r"(high_noise_|low_noise_)?(diffusion_pytorch_|pytorch_)?(model|lora_weights)(_fp16|_bf16)?")
# What stands beside a diffusion model: parts of a checkpoint, and what controls one. `no_vae`, `with_vae` and the like
# describe a whole model.
_NOT_A_MODEL = re.compile(
    r"(?<!no_)(?<!with_)(?<!incl_)(?<!baked_)(?<![a-z0-9])("
    r"vae|tae(sd|f|hv|w)\w*|(?:\w+_)?(?:en|de)coder|stage_a|clip_(?:fp16|vision|l|g)|clip$|upscaler|"
    r"control_?net|control_(?:v\d|lora)\w*|lllite|controll+ite|sparse_?ctrl|brush_?net|recolor|layer_(?:sd\d*|xl)\w*|qrcode_monster|"
    r"t2i_?adapter|ip_?adapter|ip_plus|face_?id|pulid|instant_?id|ic_?light|"
    r"(?:\w+_)?negative(?:_v?\d+|_xl|_hand|_prompt)?$|embeddings?|textual_inversion|"
    r"loras?(?:_(?:rank_?\d+|r\d+|v\d+|fp\d+|bf16|alpha_?\d*))*$|motion_(?:module|adapter|model)|mm_sd\w*|\w*sd15_mm|byt5\w*|"
    r"\w*_xl_(?:canny|depth|sketch|open_?pose|soft_?edge|scribble|line_?art|blur|tile)\w*|open_?pose_?xl\w*"
    r")(?![a-z0-9])"
)

# What makes a file whole although it names a part that it contains.
_WHOLE = re.compile(r"(?<![a-z])(aio|all_in_one|baked\w*|merged?|incl\w*)(?![a-z])")

# Words that give a file's format, size or part, and don't make it another model.
_NEUTRAL = re.compile(
    r"fp\d+|bf16|f16|f32|e\dm\d(?:fn)?|scaled|mixed|fp8mixed|int\d|nvfp4|mxfp8|convrot|awq|svdq|q\d|k|m|s|l|xs|nf4|gguf|pruned"
    r"|ema|emaonly|only|kj|v?\d+|v\d+\w|\d+b|\d+m|transformer|model|unet|dit|comfy|comfyui|original|official"
    r"|repackaged|high|low|highnoise|lownoise|noise|incl|clips|t5xxl\w*|bnb|\d+vae|xt|\d+p|vae|with|without|full|all|in|one|aio|base|dev|release|r\d+|rank\d+|hd|preview\d*|svd"
)
_GLUED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z]{3})(?=\d)|(?<=\d)(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])")
_STEPS = re.compile(
    r"(?<![0-9v])(\d{1,2})_?steps?(?![a-z0-9])|(?<![a-z])(?:steps?_?|hyp(?:er)?_?)(\d{1,2})(?![0-9a-z])"
)


def is_shared_name(name: str) -> bool:
    """Return whether many files have this name, e.g. `diffusion_pytorch_model.safetensors`; folders tell them apart."""
    base = name.lower()
    for ending in MODEL_ENDINGS:
        base = base.removesuffix(ending)
    return _NAMELESS.fullmatch(_words(base)) is not None


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """Return a file's name in normal form: `models/Qwen-Image_fp8.safetensors` becomes `qwen_image_fp8`.

    Names that many files share, e.g. `diffusion_pytorch_model`, are prefixed with their folder's name.
    """
    *folders, base = name.lower()[-LONGEST_NAME:].replace("\\", "/").split("/")
    for ending in MODEL_ENDINGS:
        base = base.removesuffix(ending)
    words = _words(base)
    return f"{_words(folders[-1])}_{words}" if folders and _NAMELESS.fullmatch(words) else words


@lru_cache(maxsize=4096)
def apart(name: str) -> str:
    """Return a name in normal form, with glued words apart: `HiDreamO1Image` becomes `hi_dream_o1_image`.

    Words begin at capitals, and at digits after at least three letters, so that `fp8` and `t2v` stay whole.
    """
    return normalise(_GLUED.sub("_", name[-LONGEST_NAME:]))


@lru_cache(maxsize=4096)
def folder_of(name: str) -> str:
    """Return the last folder of a file's name in normal form, glued words apart; empty if there is none."""
    folders = name.replace("\\", "/").split("/")[:-1]
    return _words(_GLUED.sub("_", folders[-1][-LONGEST_NAME:]).lower()) if folders else ""


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")


def steps_in_name(name: str) -> int | None:
    """Return the step count in a name (`...-Lightning-4steps...` gives 4), or None if it has none."""
    return _count_in(_without_misleading(name)) or None


def accelerator_word(name: str) -> str:
    """Return the word in a name that says few steps are enough, empty if there is none."""
    text = _without_misleading(name)
    words = _step_words()
    if words.full_length.search(text):
        return ""
    word = words.few_step.search(text) or words.few_step.search(words.misleading.sub("_", apart(name)))
    if word:
        return word[0]
    steps = _count_in(text)
    return f"{steps} steps" if 0 < steps <= MOST_FEW_STEPS else ""


def _count_in(text: str) -> int:
    found = _STEPS.search(text)
    return int(found[1] or found[2]) if found else 0


@dataclass(frozen=True)
class _StepWords:
    """Patterns of names in normal form: for few steps, for words that only sound like it, and for words to ignore."""

    few_step: re.Pattern[str]
    full_length: re.Pattern[str]
    misleading: re.Pattern[str]


@cache
def _step_words() -> _StepWords:
    """Return the words of `step_words.json`, which apply to any family, and those of the catalogue's families."""
    general = json.loads((Path(__file__).parent / "step_words.json").read_text("utf-8"))
    families = load_families()
    few_step = [*general["few_step"], *(word for family in families for word in family.few_step_words)]
    full_length = [word for family in families for word in family.full_length_words]
    return _StepWords(*(re.compile("|".join(words)) for words in (few_step, full_length, general["misleading"])))


def _without_misleading(name: str) -> str:
    return _step_words().misleading.sub("_", normalise(name))


def names_a_part(name: str) -> bool:
    """Return whether a name in normal form is that of a VAE, ControlNet, adapter, encoder or the like."""
    return _NOT_A_MODEL.search(name) is not None and _WHOLE.search(name) is None


def says_more(name: str, start: int, end: int) -> bool:
    """Return whether a name in normal form says more than its part from `start` to `end` and the file's format.

    `qwen_image_fp8_e4m3fn` says no more than `qwen_image`. `qwen_image_anime_mix` does: it is a community model.
    """
    rest = name[:start].split("_") + name[end:].split("_")
    return any(word and not _NEUTRAL.fullmatch(word) for word in rest)

"""Nodes for comparing workflows: images as checksums, arithmetic, and samplers of other packs' kind."""

import gc
import hashlib
import weakref
from typing import ClassVar

import torch


class HashImages:
    """Show a checksum of each image, of all its bits."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"images": ("IMAGE",)}}

    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True
    CATEGORY = "tests"

    def show(self, images):
        sums = [hashlib.sha256(image.contiguous().cpu().numpy().tobytes()).hexdigest()[:16] for image in images]
        return {"ui": {"hashes": sums}}


class Arithmetic:
    """Multiply two whole numbers."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT", {"default": 2}), "b": ("INT", {"default": 3})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "multiply"
    CATEGORY = "tests"

    def multiply(self, a, b):
        return (a * b,)


class WholeNumber:
    """Hold a whole number, as primitives do."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("INT", {"default": 3, "max": 10000})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "get"
    CATEGORY = "tests"

    def get(self, value):
        return (value,)


class AlwaysChanged:
    """Give another image each time, and say so."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "get"
    CATEGORY = "tests"

    @classmethod
    def IS_CHANGED(cls, **_):
        return float("nan")

    def get(self, image):
        return (image * torch.rand(1),)


class BundleSettings:
    """Bundle settings, as packs with pipes do."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"size": ("INT", {"default": 64}), "seed": ("INT", {"default": 0, "max": 2**32})}}

    RETURN_TYPES = ("TESTS_PIPE",)
    FUNCTION = "get"
    CATEGORY = "tests"

    def get(self, size, seed):
        return ((size, seed),)


class BundledSampler:
    """Make images without a MODEL: a pattern that converges, or with `fresh_noise` never does."""

    ran: ClassVar[list[int]] = []

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "pipe": ("TESTS_PIPE",),
                "num_inference_steps": ("INT", {"default": 8, "max": 10000}),
                "seed": ("INT", {"default": 0, "max": 2**32}),
                "fresh_noise": ("BOOLEAN", {"default": False}),
                "fail_at": ("INT", {"default": 0}),
            }
        }

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "sample"
    CATEGORY = "tests"

    def sample(self, pipe, num_inference_steps, seed, fresh_noise, fail_at):
        if num_inference_steps == fail_at:
            raise RuntimeError("this sampler fails")
        self.ran.append(num_inference_steps)
        size, _ = pipe
        end, start = (
            torch.rand(1, size, size, 3, generator=torch.Generator().manual_seed(seed + k)) for k in (0, 1000)
        )
        if fresh_noise:
            number = seed * 7919 + num_inference_steps
            return (torch.rand(1, size, size, 3, generator=torch.Generator().manual_seed(number)),)
        return (end + (start - end) * 0.5**num_inference_steps,)


class RunsOfBundledSampler:
    """Show at which step counts the bundled sampler has run since the last time, and forget them."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"after": ("*",)}}

    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True
    CATEGORY = "tests"

    @classmethod
    def IS_CHANGED(cls, **_):
        return float("nan")

    @classmethod
    def VALIDATE_INPUTS(cls, input_types):
        return True

    def show(self, after):
        ran = list(BundledSampler.ran)
        BundledSampler.ran.clear()
        return {"ui": {"ran": ran}}


class VideoLatent:
    """An empty latent for videos; the odd VAE of the tests decodes each image as nine frames."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {name: ("INT", {"default": 64}) for name in ("width", "height", "length")}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self, width, height, length):
        return ({"samples": torch.zeros(1, 16, height // 8, width // 8)},)


class CountedModel:
    """Give a MODEL out as a new object, and remember it without keeping it alive."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",), "number": ("INT", {"default": 0})}}

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "count"
    CATEGORY = "tests"

    alive: ClassVar[weakref.WeakKeyDictionary] = weakref.WeakKeyDictionary()

    def count(self, model, number):
        counted = model.clone()
        self.alive[counted] = number
        return (counted,)


class AliveModels:
    """Show the numbers of the counted models that something still holds."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"after": ("*",)}}

    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True
    CATEGORY = "tests"

    @classmethod
    def IS_CHANGED(cls, **_):
        return float("nan")

    @classmethod
    def VALIDATE_INPUTS(cls, input_types):
        return True

    def show(self, after):
        gc.collect()
        return {"ui": {"alive": sorted(set(CountedModel.alive.values()))}}


class StepLists:
    """Give out several step lists, one after another."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": "12, 16; 20, 24"})}}

    RETURN_TYPES = ("STRING",)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "split"
    CATEGORY = "tests"

    def split(self, text):
        return (text.split(";"),)


class Frames:
    """Make a video of one image that gets darker."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",), "num_frames": ("INT", {"default": 9})}}

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self, image, num_frames):
        return (torch.cat([image * (1 - place / (2 * num_frames)) for place in range(num_frames)]),)


class BundledSound:
    """Make a sound without a MODEL: a chord whose overtones come with the steps."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "pipe": ("TESTS_PIPE",),
                "num_inference_steps": ("INT", {"default": 8, "max": 10000}),
                "seed": ("INT", {"default": 0, "max": 2**32}),
            }
        }

    RETURN_TYPES = ("AUDIO",)
    FUNCTION = "sample"
    CATEGORY = "tests"

    def sample(self, pipe, num_inference_steps, seed):
        BundledSampler.ran.append(num_inference_steps)
        time = torch.arange(16000 * 2) / 16000
        noise = torch.rand(2, len(time), generator=torch.Generator().manual_seed(seed)) - 0.5
        tone = 0.3 * torch.sin(6.2832 * 440 * time) + 0.3 * torch.sin(6.2832 * 660 * time)
        waveform = tone + noise * 0.5**num_inference_steps
        return ({"waveform": waveform.unsqueeze(0), "sample_rate": 16000},)


NODES = {
    "TestsVideoLatent": VideoLatent,
    "TestsFrames": Frames,
    "TestsCountedModel": CountedModel,
    "TestsAliveModels": AliveModels,
    "TestsStepLists": StepLists,
    "TestsBundledSound": BundledSound,
    "TestsHashImages": HashImages,
    "TestsArithmetic": Arithmetic,
    "TestsWholeNumber": WholeNumber,
    "TestsAlwaysChanged": AlwaysChanged,
    "TestsBundleSettings": BundleSettings,
    "TestsBundledSampler": BundledSampler,
    "TestsRunsOfBundledSampler": RunsOfBundledSampler,
}

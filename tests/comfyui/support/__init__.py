"""Nodes that only the tests need: comparisons inside the server, models with faults, samplers of other packs' kind."""

import copy
import json
import tempfile
import time
from pathlib import Path

import comfy.clip_vision
import comfy.controlnet
import comfy.latent_formats
import comfy.model_management
import comfy.nested_tensor
import comfy.samplers
import torch
from comfy_api.torch_helpers import set_torch_compile_wrapper

from . import audit, calls, workflow_nodes
from .short_memory import keep_weights_away

keep_weights_away()


class EqualLatents:
    """Tell whether two latents are the same, bit for bit."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"left": ("LATENT",), "right": ("LATENT",)}}

    RETURN_TYPES = ()
    FUNCTION = "compare"
    OUTPUT_NODE = True
    CATEGORY = "tests"

    def compare(self, left, right):
        left, right = left["samples"], right["samples"]
        if left.is_nested:
            equal = all(torch.equal(a, b) for a, b in zip(left.unbind(), right.unbind(), strict=True))
            return {"ui": {"equal": [equal], "finite": [True], "shape": [[list(a.shape) for a in right.unbind()]]}}
        finite = bool(torch.isfinite(left).all())
        same = torch.equal(left, right) or (not finite and torch.equal(left.nan_to_num(7.0), right.nan_to_num(7.0)))
        return {"ui": {"equal": [same], "finite": [finite], "shape": [list(right.shape)]}}


class FaultyModel:
    """Let the model fail at its n-th call, counted over the life of the returned MODEL."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "model": ("MODEL",),
                "kind": (["nan", "inf", "raise", "oom", "slow", "interrupt", "halve"],),
                "at_call": ("INT", {"default": 3}),
            }
        }

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "tests"

    def patch(self, model, kind, at_call):
        # Not kept in the function: a model with a state that changes is never the same model again.
        number = next(calls.numbers)

        def call(apply_model, args):
            calls.made[number] += 1
            if kind == "halve":
                return args["input"] * 0.5
            if kind == "slow":
                time.sleep(0.05)
            given = apply_model(args["input"], args["timestep"], **args["c"])
            if calls.made[number] != at_call:
                return given
            if kind == "raise":
                raise RuntimeError("the tests' own error")
            if kind == "oom":
                raise comfy.model_management.OOM_EXCEPTION("the tests' own out of memory")
            if kind == "interrupt":
                comfy.model_management.interrupt_current_processing()
            return given * {"nan": float("nan"), "inf": float("inf")}.get(kind, 1.0)

        patched = model.clone()
        patched.set_model_unet_function_wrapper(call)
        patched.set_attachments("calls", lambda: calls.made[number])
        return (patched,)


class TellModel:
    """Tell what is laid on a MODEL, and how often a FaultyModel was called."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",)}, "optional": {"after": ("LATENT",)}}

    RETURN_TYPES = ()
    FUNCTION = "tell"
    OUTPUT_NODE = True
    CATEGORY = "tests"

    @classmethod
    def IS_CHANGED(cls, **_):
        return time.time()

    def tell(self, model, after=None):
        made = model.get_attachment("calls")
        told = {
            "wrappers": sorted(f"{kind}:{key}" for kind, by in model.wrappers.items() for key in by if by[key]),
            "callbacks": sorted(f"{kind}:{key}" for kind, by in model.callbacks.items() for key in by if by[key]),
            "options": sorted(model.model_options),
            "transformer_options": json.dumps(model.model_options["transformer_options"], default=str, sort_keys=True),
            "patches": sorted(model.object_patches),
            "calls": made() if made else None,
        }
        return {"ui": {"told": [told]}}


class ForeignSampler:
    """A SAMPLER as other packs write them: its own Euler loop, with or without calling back."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "optional": {"calls_back": ("BOOLEAN", {"default": True}), "own_class": ("BOOLEAN", {"default": False})}
        }

    RETURN_TYPES = ("SAMPLER",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self, calls_back=True, own_class=False):
        def foreign(model, x, sigmas, extra_args=None, callback=None, disable=None):
            for i in range(len(sigmas) - 1):
                denoised = model(x, sigmas[i] * x.new_ones([x.shape[0]]), **(extra_args or {}))
                if callback is not None and calls_back:
                    callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
                x = denoised + (sigmas[i + 1] / sigmas[i]) * (x - denoised)
            return x

        if not own_class:
            return (comfy.samplers.KSAMPLER(foreign),)

        class Foreign(comfy.samplers.Sampler):
            def sample(
                self,
                model_wrap,
                sigmas,
                extra_args,
                callback,
                noise,
                latent_image=None,
                denoise_mask=None,
                disable_pbar=False,
            ):
                inner = comfy.samplers.KSAMPLER(foreign)
                return inner.sample(
                    model_wrap, sigmas, extra_args, callback, noise, latent_image, denoise_mask, disable_pbar
                )

        return (Foreign(),)


class ForeignGuider:
    """A guider as other packs write them: a subclass with its own predict_noise, or with a list of scales."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"model": ("MODEL",), "positive": ("CONDITIONING",), "negative": ("CONDITIONING",)},
            "optional": {
                "scales": ("BOOLEAN", {"default": False}),
                "own_loop": ("BOOLEAN", {"default": False}),
            },
        }

    RETURN_TYPES = ("GUIDER",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self, model, positive, negative, scales=False, own_loop=False):
        class Guider(comfy.samplers.CFGGuider):
            def predict_noise(self, x, timestep, model_options={}, seed=None):  # noqa: B006 - core's signature
                conds, cfg = self.conds, self.cfg
                if scales:
                    step = (model_options["transformer_options"]["sample_sigmas"] > timestep[0]).sum()
                    cfg = self.cfg[int(step)]
                return comfy.samplers.sampling_function(
                    self.inner_model, x, timestep, conds["negative"], conds["positive"], cfg, model_options, seed
                )

        class OwnLoop(Guider):
            def inner_sample(
                self, noise, latent_image, device, sampler, sigmas, denoise_mask, callback, disable_pbar, seed, **shapes
            ):
                conds = self.conds
                self.conds = comfy.samplers.process_conds(
                    self.inner_model, noise, conds, device, latent_image, denoise_mask, seed, **shapes
                )
                options = comfy.model_patcher.create_model_options_clone(self.model_options)
                options.setdefault("transformer_options", {})["sample_sigmas"] = sigmas
                extra_args = {"model_options": options, "seed": seed}
                given = sampler.sample(
                    self, sigmas, extra_args, callback, noise, latent_image=latent_image, denoise_mask=denoise_mask
                )
                return self.inner_model.process_latent_out(given.to(torch.float32))

        guider = (OwnLoop if own_loop else Guider)(model)
        guider.set_conds(positive, negative)
        guider.set_cfg([3.0, 2.0, 1.0, 1.0] if scales else 3.0)
        return (guider,)


class NestedLatent:
    """An empty latent of two parts, as video with audio."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self):
        parts = [torch.zeros(2, 16, 3, 8, 8), torch.zeros(2, 16, 20)]
        return ({"samples": comfy.nested_tensor.NestedTensor(parts)},)


class CompiledModel:
    """Compile a MODEL as ComfyUI's own node does, but with a backend that needs no C++ compiler."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",)}}

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "compile"
    CATEGORY = "tests"

    def compile(self, model):
        compiled = model.clone()
        set_torch_compile_wrapper(model=compiled, backend="eager")
        return (compiled,)


class Control(comfy.controlnet.ControlBase):
    """A ControlNet without weights, in force in the first half of the schedule."""

    def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
        if t[0] > self.timestep_range[0] or t[0] < self.timestep_range[1]:
            return None
        tokens = x_noisy.shape[-1] * x_noisy.shape[-2] // 4
        return {"input": [torch.full((x_noisy.shape[0], tokens, 1), 0.5)], "output": []}

    def copy(self):
        control = Control()
        self.copy_to(control)
        return control


class ApplyControl:
    """Lay a ControlNet on a condition."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"conditioning": ("CONDITIONING",)}}

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "apply"
    CATEGORY = "tests"

    def apply(self, conditioning):
        control = Control().set_cond_hint(torch.zeros(1, 3, 8, 8), 1.0, (0.0, 0.5))
        laid = {"control": control, "control_apply_to_uncond": True}
        return ([[embedding, {**told, **laid}] for embedding, told in conditioning],)


class OddModel:
    """A model with a quirk in its network, where nothing laid on the MODEL shows it."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "model": ("MODEL",),
                "kind": (
                    [
                        "reads the first level",
                        "little memory",
                        "one size",
                        "slow by the sample",
                        "nan",
                        "interrupt",
                        "plain",
                    ],
                ),
                "rows": ("INT", {"default": 2}),
            }
        }

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self, model, kind, rows):
        number = next(calls.numbers)

        class Network(torch.nn.Module):
            def __init__(self, network):
                super().__init__()
                self.network = network
                self.dtype = network.dtype

            def forward(self, x, t, *rest, **options):
                calls.made[number] += 1
                if kind == "one size" and x.shape[0] > rows:
                    raise RuntimeError("shape mismatch: batch")
                if kind == "nan" and calls.made[number] > rows:
                    x = x * float("nan")
                if kind == "interrupt" and calls.made[number] == rows:
                    comfy.model_management.interrupt_current_processing()
                if kind == "reads the first level":
                    t = t[:1].expand_as(t)
                if kind == "little memory" and x.shape[0] > rows:
                    raise comfy.model_management.OOM_EXCEPTION("the tests' own out of memory")
                if kind == "slow by the sample":
                    # So much slower in a batch that a busy machine does not hide it.
                    time.sleep(0.005 * x.shape[0] ** 2)
                return self.network(x, t, *rest, **options)

        odd = model.clone()
        # A shallow copy that has its own modules: the model that came stays as it is.
        odd.model = copy.copy(model.model)
        odd.model._modules = dict(model.model._modules)
        odd.model.diffusion_model = Network(model.model.diffusion_model)
        return (odd,)


class OddVAE:
    """A VAE that decodes videos of nine frames, each darker than the one before, or that fails once."""

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "vae": ("VAE",),
                "kind": (["video", "raise", "nan", "grey"],),
                "at_decode": ("INT", {"default": 2}),
            }
        }

    RETURN_TYPES = ("VAE",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self, vae, kind, at_decode):
        number = next(calls.numbers)

        class Odd:
            def __getattr__(self, name):
                return getattr(vae, name)

            def decode(self, samples, **options):
                calls.made[number] += 1
                if kind == "raise" and calls.made[number] == at_decode:
                    raise RuntimeError("the tests' own error")
                images = vae.decode(samples, **options)
                if kind == "nan":
                    return images * float("nan")
                if kind == "grey":
                    return images.mean(dim=-1, keepdim=True)
                if kind == "raise":
                    return images
                return torch.stack([images * (1 - frame / 10) for frame in range(9)], dim=1)

        return (Odd(),)


class OtherLatents:
    """A model with another kind of latent."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",)}}

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self, model):
        other = model.clone()
        other.add_object_patch("latent_format", comfy.latent_formats.LTXV())
        return (other,)


class Watch:
    """Note from now on what the thread that runs prompts does to files, network and programs."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"model": ("MODEL",)}}

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "watch"
    CATEGORY = "tests"

    @classmethod
    def IS_CHANGED(cls, **_):
        return time.time()

    def watch(self, model):
        audit.start()
        return (model,)


class Watched:
    """Tell what was noted since Watch, once everything wired here has run."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"after": ("STRING", {"forceInput": True}), "also_after": ("STRING", {"forceInput": True})}}

    RETURN_TYPES = ()
    FUNCTION = "tell"
    OUTPUT_NODE = True
    CATEGORY = "tests"

    def tell(self, after, also_after):
        return {"ui": {"events": audit.stop()}}


class BatchConditions:
    """Two conditions as one of batch two."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"one": ("CONDITIONING",), "other": ("CONDITIONING",)}}

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "join"
    CATEGORY = "tests"

    def join(self, one, other):
        (first, told), (second, more) = one[0], other[0]
        pooled = torch.cat([told["pooled_output"], more["pooled_output"]])
        return ([[torch.cat([first, second]), {**told, "pooled_output": pooled}]],)


class TinyLatent:
    """An empty latent of one pixel, whose image has eight."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self):
        return ({"samples": torch.zeros(1, 16, 1, 1)},)


class SmallClipVision:
    """ComfyUI's own vision model, small and with random weights."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    RETURN_TYPES = ("CLIP_VISION",)
    FUNCTION = "make"
    CATEGORY = "tests"

    def make(self):
        config = {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "image_size": 32,
            "patch_size": 8,
            "num_channels": 3,
            "projection_dim": 16,
            "hidden_act": "quick_gelu",
            "layer_norm_eps": 1e-5,
            "model_type": "clip_vision_model",
        }
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "config.json")
            file.write_text(json.dumps(config), "utf-8")
            vision = comfy.clip_vision.ClipVisionModel(str(file))
        generator = torch.Generator().manual_seed(0)
        for weights in vision.model.parameters():
            weights.data.copy_(torch.randn(weights.shape, generator=generator) * 0.2)
        return (vision,)


NODE_CLASS_MAPPINGS = {
    f"Tests{node.__name__}": node
    for node in (
        EqualLatents,
        FaultyModel,
        TellModel,
        ForeignSampler,
        ForeignGuider,
        NestedLatent,
        CompiledModel,
        ApplyControl,
        OddModel,
        OddVAE,
        OtherLatents,
        BatchConditions,
        TinyLatent,
        SmallClipVision,
        Watch,
        Watched,
    )
} | workflow_nodes.NODES

"""Runs are reused only where computing them anew gives the same images, whatever other packs change, and how."""

import copy
import random
import sys
from collections.abc import Callable
from typing import Any

import comfy.ldm.flux.math
import comfy.model_sampling
import comfy.samplers
import numpy as np
import pytest
import torch
from sweetspot.comparison.runs import Run, Sampling, Task
from sweetspot.nodes.comparing.engine import ComfyEngine, Subject
from sweetspot.nodes.demo_model import load_demo_transformer, load_demo_vae

EDITS = 500  # for each of two seeds
Undo = Callable[[], None]


class Silent:
    """Progress that nobody watches."""

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        return lambda *_, **__: lambda *_, **__: None


class World:
    """What a comparison gets, at a size that samples in milliseconds."""

    def __init__(self) -> None:
        with torch.inference_mode():
            self.model = load_demo_transformer()
            self.vae = load_demo_vae()
            network = self.model.model.diffusion_model
            network.double_blocks, network.single_blocks = network.double_blocks[:1], network.single_blocks[:1]
            width = network.txt_in.in_features
            random_numbers = torch.Generator().manual_seed(1)
            # Larger than 1 MiB, so that no part may be left out where content is read.
            words = torch.randn(1, 8, width, generator=random_numbers)
            self.positive: Any = [[words, {"extra": torch.zeros(1, 600, 600), "note": {"scale": 1.0}}]]
            self.negative: Any = [[torch.zeros(1, 8, width), {}]]
            channels = self.model.model.latent_format.latent_channels
            mask = torch.zeros(1, 1024, 1024)
            mask[:, 20:300, 20:300] = 1
            self.latent: dict[str, Any] = {"samples": torch.zeros(1, channels, 4, 4), "noise_mask": mask}

    def run(self, megabytes: int = 0) -> Run:
        subject = Subject((self.model,), (self.positive,), self.negative, self.latent, self.vae)
        engine = ComfyEngine(subject, Silent(), megabytes << 20)
        with torch.inference_mode():
            return engine.run([Task(Sampling(3, 1.5, "euler", "simple", 1.0), 1)])[0]


class Scale:
    """A patch of another pack with a setting."""

    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, args: dict[str, Any]) -> torch.Tensor:
        return args["denoised"] * self.by


class Slotted:
    """A patch that keeps its setting in a slot."""

    __slots__ = ("__weakref__", "by")

    def __init__(self, by: float) -> None:
        self.by = by

    def __call__(self, args: dict[str, Any]) -> torch.Tensor:
        return args["denoised"] * self.by


SETTINGS = {"by": 1.0}
STRENGTH = 1.0


def scaled_by_globals(args: dict[str, Any]) -> torch.Tensor:
    return args["denoised"] * SETTINGS["by"] * STRENGTH


def attribute(owner: Any, name: str, value: Any) -> Undo:
    """Set an attribute and return how to set it back."""
    there, before = name in vars(owner), getattr(owner, name)
    setattr(owner, name, value)
    return lambda: setattr(owner, name, before) if there else delattr(owner, name)


def entry(owner: Any, key: Any, value: Any) -> Undo:
    before = dict(owner)

    def undo() -> None:
        owner.clear()
        owner.update(before)

    owner[key] = value
    return undo


def in_place(tensor: torch.Tensor, change: Callable[[torch.Tensor], Any]) -> Undo:
    with torch.inference_mode():
        before = tensor.clone()
        change(tensor)

    def undo() -> None:
        with torch.inference_mode():
            tensor.copy_(before)

    return undo


def one_number(chance: random.Random) -> Callable[[torch.Tensor], Any]:
    def change(tensor: torch.Tensor) -> None:
        tensor.view(-1)[chance.randrange(tensor.numel())] += chance.choice([0.5, 3.0])

    return change


def moved_mask(world: World, chance: random.Random) -> Undo:
    return in_place(world.latent["noise_mask"], lambda mask: mask.copy_(mask.roll(chance.randrange(1, 900), -1)))


def weight_of(chance: random.Random, module: torch.nn.Module) -> torch.Tensor:
    return chance.choice([weight.data for _, weight in module.named_parameters()])


def submodule(chance: random.Random, module: torch.nn.Module, kind: type) -> Any:
    return chance.choice([each for each in module.modules() if isinstance(each, kind)])


def with_post_cfg(world: World, function: Any) -> Undo:
    patched = world.model.clone()
    patched.set_model_sampler_post_cfg_function(function)
    return attribute(world, "model", patched)


def closure_of(values: list[float]) -> Callable[[dict[str, Any]], torch.Tensor]:
    return lambda args: args["denoised"] * values[0]


def replaced_forward(world: World, chance: random.Random) -> Undo:
    layer = submodule(chance, world.model.model.diffusion_model, torch.nn.Linear)
    forward, by = layer.forward, chance.choice([0.5, 2.0])
    return attribute(layer, "forward", lambda x: forward(x) * by)


def forward_hook(world: World, chance: random.Random) -> Undo:
    layer = submodule(chance, world.model.model.diffusion_model, torch.nn.Linear)
    return layer.register_forward_hook(lambda _module, _args, result: result * 0.5).remove


def copied_model(world: World, chance: random.Random) -> Undo:
    """A deep copy whose weights change still names the file that the first one came from."""
    patched = world.model.clone()
    patched.model = copy.copy(world.model.model)
    parts = world.model.model._modules
    patched.model._modules = parts | {"diffusion_model": copy.deepcopy(parts["diffusion_model"])}
    with torch.inference_mode():
        weight_of(chance, patched.model.diffusion_model).mul_(1.5)
    return attribute(world, "model", patched)


def added_patch(world: World, chance: random.Random) -> Undo:
    patched = world.model.clone()
    key = chance.choice([key for key in patched.model_state_dict() if key.endswith("weight")])
    weight = patched.model_state_dict()[key]
    patched.add_patches({key: (torch.full_like(weight, 0.1),)}, chance.choice([0.2, 0.4]))
    return attribute(world, "model", patched)


def shifted(world: World, chance: random.Random) -> Undo:
    patched = world.model.clone()
    sampling = copy.deepcopy(patched.get_model_object("model_sampling"))
    sampling.set_parameters(shift=chance.choice([0.5, 2.0]))
    patched.add_object_patch("model_sampling", sampling)
    return attribute(world, "model", patched)


def circular(world: World, chance: random.Random) -> Undo:
    """As packs for seamless textures do: in place, or on a copy of the VAE."""
    vae = world.vae
    undos: list[Undo] = []
    if chance.random() < 0.5:
        vae = copy.copy(vae)
        vae.first_stage_model = copy.deepcopy(vae.first_stage_model)
        undos.append(attribute(world, "vae", vae))
    layers = [each for each in vae.first_stage_model.modules() if isinstance(each, torch.nn.Conv2d)]
    undos += [attribute(each, "padding_mode", "circular") for each in layers]
    return lambda: [each() for each in reversed(undos)] and None


class Wrapped:
    """A VAE of another pack that decodes otherwise."""

    def __init__(self, vae: Any, by: float) -> None:
        self.vae, self.by = vae, by

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self)["vae"], name)

    def decode(self, samples: torch.Tensor) -> torch.Tensor:
        return self.vae.decode(samples) * self.by


def global_function(module: Any, name: str) -> Undo:
    before = getattr(module, name)
    return attribute(module, name, lambda *args, **more: before(*args, **more) * 0.5)


def global_setting(chance: random.Random) -> Undo:
    if chance.random() < 0.5:
        return entry(SETTINGS, "by", chance.choice([0.5, 2.0]))
    return attribute(sys.modules[__name__], "STRENGTH", chance.choice([0.5, 2.0]))


def method_of_class(kind: type) -> Undo:
    before = kind.forward
    kind.forward = lambda self, *args, **more: before(self, *args, **more) * 0.5

    def undo() -> None:
        kind.forward = before

    return undo


def given_to_model(world: World, chance: random.Random) -> dict[str, Callable[[], Undo]]:
    """Return changes of conditions and latent."""
    latent, words = world.latent, world.positive[0]
    return {
        "mask moved": lambda: moved_mask(world, chance),
        "one pixel of the mask": lambda: in_place(latent["noise_mask"], one_number(chance)),
        "one number of the latent": lambda: in_place(latent["samples"], one_number(chance)),
        "batch index": lambda: entry(latent, "batch_index", [chance.randrange(5)]),
        "one number of the prompt": lambda: in_place(words[0], one_number(chance)),
        "one number of a large extra": lambda: in_place(words[1]["extra"], one_number(chance)),
        "one number of the negative prompt": lambda: in_place(world.negative[0][0], one_number(chance)),
        "strength of a condition": lambda: entry(words[1], "strength", chance.choice([0.3, 0.6])),
        "mask of a condition": lambda: entry(words[1], "mask", torch.rand(1, 32, 32)),
        "end of a condition": lambda: entry(words[1], "end_percent", chance.choice([0.0, 0.5])),
        "area of a condition": lambda: entry(words[1], "area", (2, chance.choice([2, 4]), 0, 0)),
        "nested number": lambda: entry(words[1]["note"], "scale", chance.random()),
        "one more condition": lambda: attribute(world, "positive", [*world.positive, [world.negative[0][0], {}]]),
    }


def of_model(world: World, chance: random.Random) -> dict[str, Callable[[], Undo]]:
    """Return changes of a MODEL's weights, modules, patches and options."""
    model, network = world.model, world.model.model.diffusion_model
    options, of_transformer = model.model_options, model.model_options["transformer_options"]
    sigmas = model.get_model_object("model_sampling").sigmas
    return {
        "one weight": lambda: in_place(weight_of(chance, network), one_number(chance)),
        "weights": lambda: in_place(weight_of(chance, network), lambda weight: weight.mul_(1.5)),
        "forward": lambda: replaced_forward(world, chance),
        "forward hook": lambda: forward_hook(world, chance),
        "setting of a module": lambda: attribute(submodule(chance, network, torch.nn.LayerNorm), "eps", 0.1),
        "weights of a copy": lambda: copied_model(world, chance),
        "patched weights": lambda: added_patch(world, chance),
        "shift": lambda: shifted(world, chance),
        "latent format": lambda: attribute(model.model.latent_format, "scale_factor", 0.5),
        "noise levels in place": lambda: in_place(sigmas, lambda levels: levels.mul_(0.9)),
        "patch with a setting": lambda: with_post_cfg(world, Scale(chance.choice([0.5, 2.0]))),
        "patch with a slot": lambda: with_post_cfg(world, Slotted(chance.choice([0.5, 2.0]))),
        "patch with a closure": lambda: with_post_cfg(world, closure_of([chance.choice([0.5, 2.0])])),
        "patch with globals": lambda: with_post_cfg(world, scaled_by_globals),
        "setting of a patch in place": lambda: mutated(model, chance),
        "global of a patch": lambda: global_setting(chance),
        "cfg function": lambda: entry(options, "sampler_cfg_function", lambda args: args["cond"] * 0.5),
        "model function": lambda: entry(options, "model_function_wrapper", doubled_prediction),
        "attention": lambda: entry(of_transformer, "optimized_attention_override", doubled_attention),
    }


def of_program(chance: random.Random) -> dict[str, Callable[[], Undo]]:
    """Return changes of ComfyUI's and torch's own functions."""
    return {
        "attention everywhere": lambda: global_function(comfy.ldm.flux.math, "optimized_attention"),
        "schedules": lambda: global_function(comfy.samplers, "calculate_sigmas"),
        "method of a class": lambda: method_of_class(chance.choice([torch.nn.LayerNorm, torch.nn.GELU])),
    }


def of_vae(world: World, chance: random.Random) -> dict[str, Callable[[], Undo]]:
    """Return changes of the VAE."""
    vae = world.vae
    network = vae.first_stage_model
    return {
        "one weight of the VAE": lambda: in_place(weight_of(chance, network), one_number(chance)),
        "weights of the VAE": lambda: in_place(weight_of(chance, network), lambda weight: weight.mul_(1.5)),
        "circular padding": lambda: circular(world, chance),
        "wrapped VAE": lambda: attribute(world, "vae", Wrapped(vae, chance.choice([0.5, 0.8]))),
        "output of the VAE": lambda: attribute(vae, "process_output", lambda image: image.clamp(0, 0.5)),
        "decode of the VAE": lambda: attribute(vae, "decode", darkened(vae.decode)),
    }


def edits(world: World, chance: random.Random) -> dict[str, Callable[[], Undo]]:
    """Return everything that may be changed."""
    return given_to_model(world, chance) | of_model(world, chance) | of_program(chance) | of_vae(world, chance)


def doubled_prediction(call: Any, args: dict[str, Any]) -> torch.Tensor:
    return call(args["input"], args["timestep"], **args["c"]) * 2


def darkened(decode: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda *args, **more: decode(*args, **more) * 0.5


def doubled_attention(call: Any, *args: Any, **more: Any) -> torch.Tensor:
    return call(*args, **more) * 2


def mutated(model: Any, chance: random.Random) -> Undo:
    """Change a patch that is already on the model, without making it anew."""
    patches = model.model_options.get("sampler_post_cfg_function", [])
    settings = [patch for patch in patches if hasattr(patch, "by")]
    if settings:
        return attribute_of_patch(settings[-1], chance.choice([0.25, 4.0]))
    closures = [cell.cell_contents for patch in patches for cell in getattr(patch, "__closure__", None) or ()]
    for values in closures:
        if isinstance(values, list):
            before = values[0]
            values[0] = chance.choice([0.25, 4.0])
            return lambda: values.__setitem__(0, before)
    return lambda: None


def attribute_of_patch(patch: Any, value: float) -> Undo:
    before, patch.by = patch.by, value
    return lambda: setattr(patch, "by", before)


NAMES = list(edits(World(), random.Random(0)))


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("name", NAMES)
def test_after_an_edit_the_images_are_those_of_the_edited(world: World, name: str):
    before = world.run(megabytes=512)
    undo = edits(world, random.Random(5))[name]()
    kept, truth = world.run(megabytes=512), world.run()
    undo()
    np.testing.assert_array_equal(kept.images, truth.images)
    again = world.run(megabytes=512)
    np.testing.assert_array_equal(again.images, before.images)


@pytest.mark.parametrize("name", ["weights", "circular padding", "mask moved", "shift", "attention everywhere"])
def test_what_is_as_before_is_reused(world: World, name: str):
    world.run(megabytes=512)
    undo = edits(world, random.Random(5))[name]()
    assert not world.run(megabytes=512).reused
    undo()
    assert world.run(megabytes=512).reused


def test_what_comfyui_makes_anew_is_reused(world: World):
    world.run(megabytes=512)
    assert World().run(megabytes=512).reused


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", [14, 15])
def test_after_a_thousand_edits_no_old_image_comes_back(seed: int):
    """Each edit is kept or taken back, so that states return; what is reused must be what is computed anew."""
    chance, world = random.Random(seed), World()
    undos: list[Undo] = []
    reused = 0
    for number in range(EDITS):
        if undos and (chance.random() < 0.5 or len(undos) > 4):
            undos.pop()()
        else:
            undos.append(chance.choice(list(edits(world, chance).values()))())
        kept = world.run(megabytes=512)
        if kept.reused:
            reused += 1
            np.testing.assert_array_equal(kept.images, world.run().images, err_msg=f"edit {number}")
    # States that return are known again, or the test would show nothing.
    assert reused > EDITS / 10

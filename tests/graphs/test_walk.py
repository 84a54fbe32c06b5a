"""Walking upstream through what people really put between loader and sampler."""

import pytest
from sweetspot.graphs.samplers_in import samplers_in
from sweetspot.graphs.values import GraphValues
from sweetspot.graphs.walk import Lora, Upstream, Walk


def node(kind: str, **inputs) -> dict:
    return {"class_type": kind, "inputs": inputs}


LOADER = node("UNETLoader", unet_name="flux/flux1-dev.safetensors", weight_dtype="default")
LORA = node("LoraLoaderModelOnly", model=["1", 0], lora_name="turbo.safetensors", strength_model=0.5)


def files_and_loras(graph: dict, at: str = "end") -> list[tuple[tuple[str, ...], tuple[Lora, ...]]]:
    return [(way.files, way.loras) for way in Walk(graph).branches(at)]


def test_a_loader_straight_ahead():
    assert files_and_loras({"1": LOADER, "end": node("KSampler", model=["1", 0])}) == [
        (("flux/flux1-dev.safetensors",), ())
    ]


def test_loras_reroutes_and_patches_on_the_way():
    graph = {
        "1": LOADER,
        "2": LORA,
        "3": node("Reroute", **{"": ["2", 0]}),
        "4": node("ModelSamplingFlux", model=["3", 0], max_shift=1.15, base_shift=0.5),
        "5": node(
            "LoraLoader",
            model=["4", 0],
            clip=["9", 0],
            lora_name="style.safetensors",
            strength_model=1,
            strength_clip=1,
        ),
        "9": node("CLIPLoader", clip_name="t5.safetensors"),
        "end": node("KSampler", model=["5", 0]),
    }
    assert files_and_loras(graph) == [
        (("flux/flux1-dev.safetensors",), (Lora("turbo.safetensors", 0.5), Lora("style.safetensors", 1.0)))
    ]


@pytest.mark.parametrize(
    ("loader", "expected"),
    [
        (node("UnetLoaderGGUF", unet_name="flux1-dev-Q4_K_S.gguf"), "flux1-dev-Q4_K_S.gguf"),
        (
            node("NunchakuFluxDiTLoader", model_path="svdq-int4-flux.1-dev.safetensors"),
            "svdq-int4-flux.1-dev.safetensors",
        ),
        (node("Efficient Loader", ckpt_name="sdxl.ckpt", vae_name="sdxl_vae.safetensors"), "sdxl.ckpt"),
    ],
)
def test_loaders_of_other_packs_are_read_by_what_their_inputs_hold(loader: dict, expected: str):
    assert files_and_loras({"1": loader, "end": node("KSampler", model=["1", 0])}) == [((expected,), ())]


def test_lora_stacks_of_other_packs_are_read():
    power = node(
        "Power Lora Loader (rgthree)",
        model=["1", 0],
        lora_1={"on": True, "lora": "a.safetensors", "strength": 0.8},
        lora_2={"on": False, "lora": "b.safetensors", "strength": 1.0},
    )
    numbered = node("LoRA Stacker", model=["2", 0], lora_name_1="c.safetensors", model_str_1=1, lora_wt_1=0.25)
    graph = {"1": LOADER, "2": power, "3": numbered, "end": node("KSampler", model=["3", 0])}
    ((_, loras),) = files_and_loras(graph)
    assert loras == (Lora("a.safetensors", 0.8), Lora("b.safetensors", 0.0), Lora("c.safetensors", 0.25))


@pytest.mark.parametrize(("state", "loras"), [(True, (Lora("turbo.safetensors", 0.5),)), (False, ())])
def test_a_decided_switch_lets_one_way_through(state: bool, loras: tuple):
    graph = {
        "1": LOADER,
        "2": LORA,
        "yes": node("PrimitiveBoolean", value=state),
        "3": node("ComfySwitchNode", switch=["yes", 0], on_true=["2", 0], on_false=["1", 0]),
        "end": node("KSampler", model=["3", 0]),
    }
    assert files_and_loras(graph) == [(("flux/flux1-dev.safetensors",), loras)]


def test_an_open_switch_gives_every_way_and_a_doubt():
    graph = {
        "1": LOADER,
        "2": LORA,
        "3": node("ImpactSwitch", input1=["1", 0], input2=["2", 0], select=["computed", 0]),
        "computed": node("Something", seed=3, text="x"),
        "end": node("KSampler", model=["3", 0]),
    }
    ways = Walk(graph).branches("end")
    assert [way.loras for way in ways] == [(), (Lora("turbo.safetensors", 0.5),)]
    found = Walk(graph).upstream("end")
    assert (found.files, found.loras) == (("flux/flux1-dev.safetensors",), ())
    assert found.doubts == ("an open switch decides whether LoRA turbo.safetensors is on",)


def test_a_merge_has_both_files():
    graph = {
        "1": LOADER,
        "2": node("UNETLoader", unet_name="flux1-schnell.safetensors"),
        "3": node("ModelMergeSimple", model1=["1", 0], model2=["2", 0], ratio=0.5),
        "end": node("KSampler", model=["3", 0]),
    }
    assert files_and_loras(graph) == [(("flux/flux1-dev.safetensors", "flux1-schnell.safetensors"), ())]


@pytest.mark.parametrize(
    "graph",
    [
        {},
        {"end": node("KSampler", model=["missing", 0])},
        {"end": node("KSampler", model="not a link")},
        {"a": node("Reroute", model=["b", 0]), "b": node("Reroute", model=["a", 0]), "end": node("K", model=["a", 0])},
    ],
    ids=["empty", "broken link", "no link", "a cycle"],
)
def test_a_broken_graph_gives_nothing_and_raises_nothing(graph: dict):
    assert Walk(graph).upstream("end") == Upstream()


def test_values_behind_primitives_are_found():
    graph = {"n": node("PrimitiveInt", value=["m", 0]), "m": node("INTConstant", value=12)}
    assert GraphValues(graph).value(["n", 0]) == 12
    assert GraphValues(graph).value(7) == 7
    assert GraphValues(graph).value(["missing", 0]) is None


def test_many_open_switches_are_bounded_and_told():
    graph = {"0": LOADER}
    for number in range(1, 21):
        below = [f"{number - 1}", 0]
        lora = {"model": below, "lora_name": f"l{number}.safetensors", "strength_model": 1}
        graph[f"l{number}"] = node("LoraLoaderModelOnly", **lora)
        graph[f"{number}"] = node("AnySwitch", input1=[f"l{number}", 0], input2=below, select=["?", 0])
    graph["end"] = node("KSampler", model=["20", 0])
    found = Walk(graph).upstream("end")
    assert found.loras == ()
    assert "more than 31 " in found.doubts[0]


def test_stacks_whose_loras_are_off_or_past_their_count_do_not_count():
    off = node("CR LoRA Stack", switch_1="Off", lora_name_1="a.safetensors", switch_2="On", lora_name_2="b.safetensors")
    names = {"lora_name_1": "c.safetensors", "lora_name_2": "d.safetensors"}
    short = node("LoRA Stacker", lora_count=1, lora_stack=["2", 0], **names)
    apply = node("CR Apply LoRA Stack", model=["1", 0], lora_stack=["3", 0])
    graph = {"1": LOADER, "2": off, "3": short, "4": apply, "end": node("KSampler", model=["4", 0])}
    ((files, loras),) = files_and_loras(graph)
    assert files == ("flux/flux1-dev.safetensors",)
    assert [lora.name for lora in loras] == ["b.safetensors", "c.safetensors"]


def test_linked_names_and_strengths_are_looked_up():
    graph = {
        "1": LOADER,
        "name": node("PrimitiveString", value="turbo.safetensors"),
        "zero": node("PrimitiveFloat", value=0.0),
        "2": node("LoraLoaderModelOnly", model=["1", 0], lora_name=["name", 0], strength_model=["zero", 0]),
        "end": node("KSampler", model=["2", 0]),
    }
    assert files_and_loras(graph) == [(("flux/flux1-dev.safetensors",), (Lora("turbo.safetensors", 0.0),))]


def test_a_motion_module_is_no_base_model():
    graph = {
        "1": node("CheckpointLoaderSimple", ckpt_name="dreamshaper_8.safetensors"),
        "2": node("ADE_LoadAnimateDiffModel", model_name="mm_sd_v15_v2.ckpt"),
        "3": node("ADE_UseEvolvedSampling", model=["1", 0], m_models=["2", 0]),
        "end": node("KSampler", model=["3", 0]),
    }
    assert files_and_loras(graph) == [(("dreamshaper_8.safetensors",), ())]


def test_a_graph_that_forks_and_joins_again_is_walked_once():
    # 2^60 ways up; each node is one merge of the same model.
    graph = {"0": LOADER} | {
        str(number): node("ModelMergeSimple", model1=[str(number - 1), 0], model2=[str(number - 1), 0])
        for number in range(1, 61)
    }
    graph["end"] = node("KSampler", model=["60", 0])
    assert files_and_loras(graph) == [(("flux/flux1-dev.safetensors",), ())]


def test_names_of_many_digits_are_names():
    lora = node("LoraLoaderModelOnly", **{"model": ["1", 0], "lora_" + "1" * 100_000 + "x": "turbo.safetensors"})
    ((files, loras),) = files_and_loras({"1": LOADER, "2": lora, "end": node("KSampler", model=["2", 0])})
    assert [one.name for one in loras] == ["turbo.safetensors"]
    assert files == ("flux/flux1-dev.safetensors",)


@pytest.mark.parametrize("strength", [float("nan"), float("inf"), 10**400])
def test_a_strength_that_is_none_is_not_known(strength: float):
    lora = node("LoraLoaderModelOnly", model=["1", 0], lora_name="turbo.safetensors", strength_model=strength)
    ((_, loras),) = files_and_loras({"1": LOADER, "2": lora, "end": node("KSampler", model=["2", 0])})
    assert loras == (Lora("turbo.safetensors", None),)


def switch(state, on_true, on_false) -> dict:
    return node("ComfySwitchNode", switch=state, on_true=on_true, on_false=on_false)


def sampler(link) -> dict:
    return node("KSampler", model=link, steps=link, cfg=link, scheduler="simple", sampler_name="euler")


def switches_in_a_row(count: int) -> dict:
    """Each switch asks the next one for its state and for both of its inputs: 2^n questions in all."""
    row = {f"{n}": switch([f"{n + 1}", 0], [f"{n + 1}", 0], [f"{n + 1}", 0]) for n in range(count)}
    return row | {f"{count}": node("PrimitiveBoolean", value=True), "end": sampler(["0", 0])}


def open_switches_in_a_row(count: int) -> dict:
    row = {f"{n}": node("AnySwitch", input1=[f"{n + 1}", 0], input2=[f"{n + 2}", 0]) for n in range(count)}
    return row | {f"{count}": LOADER, f"{count + 1}": LOADER, "end": sampler(["0", 0])}


def merge_of_open_switches(count: int) -> dict:
    loaders = {f"l{n}": node("UNETLoader", unet_name=f"{n}.safetensors") for n in range(2 * count)}
    row = {f"{n}": node("AnySwitch", input1=[f"l{2 * n}", 0], input2=[f"l{2 * n + 1}", 0]) for n in range(count)}
    merge = node("ModelMerge", **{f"model_{n}": [f"{n}", 0] for n in range(count)})
    return loaders | row | {"merge": merge, "end": sampler(["merge", 0])}


def stack_of_loras(count: int) -> dict:
    names = {f"lora_name_{n}": f"{n}.safetensors" for n in range(count)}
    return {"stack": node("LoRA Stack", model=["1", 0], **names), "1": LOADER, "end": sampler(["stack", 0])}


def reroutes_in_a_row(count: int) -> dict:
    row = {f"{n}": node("Reroute", value=[f"{n + 1}", 0]) for n in range(count)}
    return row | {f"{count}": LOADER, "end": sampler(["0", 0])}


@pytest.mark.parametrize(
    "graph",
    [
        open_switches_in_a_row(1400),
        merge_of_open_switches(1400),
        stack_of_loras(12_000),
        reroutes_in_a_row(5000),
        switches_in_a_row(5000),
    ],
    ids=["open switches", "a merge", "LoRAs", "reroutes", "switches"],
)
def test_a_graph_too_large_to_read_is_a_doubt_and_not_a_long_wait(graph: dict):
    walk = Walk(graph)
    found = walk.upstream("end")
    assert len(found.doubts) == 1
    assert found.loras == ()
    assert len(found.files) <= 100
    # Some samplers of a graph of any size are read in bounded work, too.
    assert len(list(samplers_in(graph | {f"s{n}": sampler(["0", 0]) for n in range(5000)}))) < 5000


def test_switches_that_ask_each_other_are_asked_once():
    graph = switches_in_a_row(40)
    walk = Walk(graph)
    assert walk.upstream("end") == Upstream()
    assert walk.values.value(["0", 0]) is True
    assert not walk.values.too_large


@pytest.mark.parametrize("first", ["switch", "on_true", "on_false"])
def test_a_switch_that_decides_itself_is_open(first: str):
    inputs = {"switch": False, "on_true": ["1", 0], "on_false": ["1", 0]} | {first: ["w", 0]}
    graph = {"w": node("ComfySwitchNode", **inputs), "1": LOADER, "end": sampler(["w", 0])}
    found = Walk(graph).upstream("end")
    assert found.files in ((), ("flux/flux1-dev.safetensors",))
    assert GraphValues(graph).value(["w", 0]) is None


LISTED = [
    {"name": "turbo_8_steps", "strength": 0.8, "active": True},
    {"name": "style", "strength": "1", "active": False},
]


@pytest.mark.parametrize(
    "inputs",
    [
        {"text": "", "loras": LISTED},
        {"text": "", "loras": {"__value__": LISTED}},
        {"text": "<lora:turbo_8_steps:0.8> <lora:style:0>"},
    ],
)
def test_the_lists_and_tags_of_lora_manager_are_read(inputs: dict):
    graph = {"1": LOADER, "2": node("Lora Loader (LoraManager)", model=["1", 0], **inputs), "end": sampler(["2", 0])}
    ((_, loras),) = files_and_loras(graph)
    assert loras == (Lora("turbo_8_steps", 0.8), Lora("style", 0.0))


def test_tags_in_a_prompt_are_no_loras():
    prompt = node("CLIPTextEncode", text="<lora:turbo_8_steps:0.8>", clip=["1", 1])
    graph = {"1": LOADER, "2": prompt, "end": sampler(["1", 0])}
    graph["end"]["inputs"]["positive"] = ["2", 0]
    assert files_and_loras(graph) == [(("flux/flux1-dev.safetensors",), ())]


@pytest.mark.parametrize(
    ("loader", "files"),
    [
        (node("NunchakuFluxDiTLoader", model_path="svdq-int4-flux.1-dev"), ("svdq-int4-flux.1-dev",)),
        (node("DiffusersLoader", model_path="stable-diffusion-xl-base-1.0"), ("stable-diffusion-xl-base-1.0",)),
        (node("Efficient Loader", ckpt_name=["n", 0], vae_name="Baked VAE"), ("sdxl.ckpt",)),
        (node("VAELoader", vae_name="pixel_space"), ()),
    ],
)
def test_folders_and_linked_names_are_files(loader: dict, files: tuple):
    graph = {"n": node("easy ckptNames", ckpt_name="sdxl.ckpt"), "1": loader, "end": node("KSampler", model=["1", 0])}
    found = [branch.files for branch in Walk(graph).branches("end")]
    assert (found or [()])[0] == files


def test_a_lora_from_a_repository_keeps_its_name():
    lora = node(
        "HFHubLoraLoader",
        model=["1", 0],
        repo_id="ByteDance/Hyper-SD",
        filename="pytorch_lora_weights.safetensors",
        strength_model=0.5,
    )
    graph = {"1": LOADER, "2": lora, "end": node("KSampler", model=["2", 0])}
    assert files_and_loras(graph) == [
        (("flux/flux1-dev.safetensors",), (Lora("ByteDance/Hyper-SD/pytorch_lora_weights.safetensors", 0.5),))
    ]


def test_a_pair_of_models_and_their_accelerated_ones_leads_to_all():
    lora = node("LoraLoaderModelOnly", model=["1", 0], lora_name="turbo.safetensors", strength_model=1.0)
    pair = node("AccelerationModelPair", base_high=["1", 0], accelerated_high=["2", 0], state=["9", 0])
    graph = {"1": LOADER, "2": lora, "3": pair, "end": node("WanMoeKSampler", model_high_noise=["3", 0])}
    (branch,) = Walk(graph).branches("end", "model_high_noise")
    assert [one.name for one in branch.loras] == ["turbo.safetensors"]

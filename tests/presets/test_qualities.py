import pytest
from sweetspot.presets.catalogue import find_variant, load_catalogue
from sweetspot.presets.qualities import make_plan


@pytest.mark.parametrize(
    ("variant", "draft", "balanced", "best"),
    [
        ("flux_dev", 8, 20, 50),  # template 20, publisher 50; no source goes below 20, so the rule: 40 %
        ("qwen_image", 8, 20, 50),
        ("lumina2", 10, 25, 50),
        ("z_image", 10, 25, 50),
        ("hunyuan_dit", 12, 30, 100),
        ("sdxl", 10, 25, 50),
        ("z_image_turbo", 8, 8, 8),  # distilled: its trained steps for all three
        ("flux_schnell", 4, 4, 4),
    ],
)
def test_balanced_is_the_template_best_the_publisher(variant: str, draft: int, balanced: int, best: int):
    steps = {quality: make_plan(find_variant(variant), quality).steps for quality in ("draft", "balanced", "best")}
    assert steps == {"draft": draft, "balanced": balanced, "best": best}


def test_what_was_used_instead_is_said():
    source = make_plan(find_variant("hunyuan_video_15_480p_t2v")).sources["steps"]
    assert source.startswith("no official template number, so publisher: ")
    best = make_plan(find_variant("sdxl"), "best").sources["steps"]
    assert best.startswith("no publisher number, so diffusers: ")


def test_our_own_rule_is_marked_as_one():
    assert "40 % of balanced" in make_plan(find_variant("flux_dev"), "draft").sources["steps"]


def test_the_publisher_can_be_preferred():
    plan = make_plan(find_variant("flux_kontext_dev"), prefer="publisher")
    assert plan.steps == 30
    assert plan.sources["steps"].startswith("publisher: ")


@pytest.mark.parametrize("variant", [v for v in load_catalogue() if v.distilled], ids=lambda variant: variant.id)
def test_distilled_models_get_their_trained_steps_for_all(variant):
    assert len({make_plan(variant, quality).steps for quality in ("draft", "balanced", "best")}) == 1


def test_a_count_in_the_name_is_taken_only_if_it_was_trained():
    hyper = find_variant("sdxl_hyper")
    assert make_plan(hyper, steps_in_name=4).steps == 4
    assert make_plan(hyper, steps_in_name=5).steps == 8


def test_units_are_kept_apart():
    assert make_plan(find_variant("qwen_image")).shift.unit == "linear"
    assert make_plan(find_variant("krea2_turbo")).shift.unit == "mu"
    assert make_plan(find_variant("flux_dev")).shift is None  # mu from 0.5 to 1.15 with the image's size: no one number


def test_cfg_of_a_conditional_anchor_is_converted():
    # The publishers of Krea 2 and Z-Image write cond + g (cond - uncond): 3.5 and 4 there are 4.5 and 5 here.
    assert make_plan(find_variant("krea2_raw"), "best").cfg == 4.5
    assert make_plan(find_variant("z_image"), "best").cfg == 5


def test_a_plan_tells_the_recommended_size_and_clip_skip_with_their_sources():
    plan = make_plan(find_variant("pony_v6"))
    assert (plan.resolution, plan.clip_skip) == ((1024, 1024), 2)
    assert {"resolution", "clip_skip"} <= plan.sources.keys()
    assert make_plan(find_variant("seedvr2")).resolution is None

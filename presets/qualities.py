"""From a catalogue entry to a plan: which source draft, balanced and best use.

- balanced: ComfyUI's official template, else the publisher, else diffusers, else a third party;
- best: the publisher, else diffusers, else the template, else a third party;
- draft: the sources' lowest count if it is clearly lower than balanced, else Sweet Spot's own rule;
- a distilled model gets its trained steps for all three.
"""

from typing import Any, Literal, get_args

from .catalogue import SOURCE_KINDS, SOURCED, Variant
from .plan import SAFE_DEFAULT, Shift, Split, StepPlan
from .trained import trailing_timesteps, trained_steps

Quality = Literal["draft", "balanced", "best"]
Preference = Literal["template", "publisher"]
QUALITIES: tuple[Quality, ...] = get_args(Quality)
PREFERENCES: tuple[Preference, ...] = get_args(Preference)

_BALANCED = {
    "template": ("template", "publisher", "diffusers", "third_party"),
    "publisher": ("publisher", "template", "diffusers", "third_party"),
}
_BEST = ("publisher", "diffusers", "template", "third_party")
_TRAINED = ("publisher", "template", "diffusers", "third_party")

DRAFT_SHARE, DRAFT_LEAST = 0.4, 6
CLEARLY_LOWER = 0.7

# Steps depend on the quality, and a LoRA's strength is no setting of a sampler.
_SETTINGS = tuple(name for name in SOURCED if name not in ("steps", "lora_strength"))

# Settings that a plan must have. Without a source they come from the safe default, which is not a recommendation.
_REQUIRED = ("cfg", "sampler_name", "scheduler")


def make_plan(
    variant: Variant,
    quality: Quality = "balanced",
    prefer: Preference = "template",
    steps_in_name: int | None = None,
) -> StepPlan:
    """Return the plan of a variant.

    Args:
        variant: the catalogue's entry.
        quality: draft, balanced or best.
        prefer: whose numbers balanced uses if both are known.
        steps_in_name: the step count in the file's name, for variants whose step count depends on it.
    """
    order = _BEST if quality == "best" else _BALANCED[prefer]
    steps, steps_source = _steps(variant, quality, prefer, steps_in_name)
    settings: dict[str, Any] = {"steps": steps}
    sources = {"steps": steps_source}
    for setting in _SETTINGS:
        choice = _choose(variant, setting, order)
        if choice is not None:
            settings[setting], sources[setting] = choice[0], choice[1]
        elif setting == "cfg" and (built_in := _choose(variant, "guidance", order)) is not None:
            settings[setting] = {"value": 1.0}
            sources[setting] = f"off, because its guidance is built in; {built_in[1]}"
        elif setting in _REQUIRED:
            settings[setting] = {"value": getattr(SAFE_DEFAULT, setting)}
            sources[setting] = SAFE_DEFAULT.sources[setting]
    if "spacing" in settings:
        settings["timesteps"] = {"value": trailing_timesteps(steps)}
        sources["timesteps"] = f"{settings.pop('spacing')['value']} spacing; {sources.pop('spacing')}"
    return _assemble(variant, quality, settings, sources)


def _assemble(variant: Variant, quality: Quality, settings: dict[str, Any], sources: dict[str, str]) -> StepPlan:
    span = variant.steps_range
    strength = _choose(variant, "lora_strength", _TRAINED)
    if strength is not None:
        sources["lora_strength"] = strength[1]
    sources |= {name: found["source"] for name in ("resolution", "clip_skip") if (found := getattr(variant, name))}
    return StepPlan(
        variant=variant.id,
        steps=settings["steps"],
        cfg=float(settings["cfg"]["value"]),
        sampler_name=settings["sampler_name"]["value"],
        scheduler=settings["scheduler"]["value"],
        sources=sources,
        quality=quality,
        distilled=variant.distilled,
        steps_min=span[0] if span else None,
        steps_max=span[1] if span else None,
        draft_steps=_steps(variant, "draft", "template", None)[0],
        guidance=float(settings["guidance"]["value"]) if "guidance" in settings else None,
        shift=_shift(settings.get("shift"), variant.shift_node),
        sampling=settings.get("sampling", {}).get("value", ""),
        sigmas=tuple(float(sigma) for sigma in settings.get("sigmas", {}).get("value", ())),
        timesteps=tuple(settings.get("timesteps", {}).get("value", ())),
        trained_steps=trained_steps(variant, settings["steps"]),
        split=Split(settings["split"]["value"], settings["split"]["unit"]) if "split" in settings else None,
        lora_strength=_range_of(strength[0]) if strength else None,
        resolution=(variant.resolution["width"], variant.resolution["height"]) if variant.resolution else None,
        clip_skip=variant.clip_skip.get("value"),
    )


def _steps(variant: Variant, quality: Quality, prefer: Preference, steps_in_name: int | None) -> tuple[int, str]:
    named = variant.steps_in_name
    if named:
        if steps_in_name is not None and steps_in_name in named["values"]:
            return steps_in_name, f"its file name; {named['source']}"
        return max(
            named["values"]
        ), f"the highest of {named['values']}, because the file name gives no step count; {named['source']}"
    if variant.distilled:
        return _chosen_steps(variant, _TRAINED, "trained steps; ")
    if quality == "best":
        return _chosen_steps(variant, _BEST)
    balanced, source = _chosen_steps(variant, _BALANCED[prefer])
    return _draft_steps(variant, balanced) if quality == "draft" else (balanced, source)


def _chosen_steps(variant: Variant, order: tuple[str, ...], prefix: str = "") -> tuple[int, str]:
    choice = _choose(variant, "steps", order)
    if choice is None:
        raise ValueError(f"catalogue: expected a step count for {variant.id}, got none")
    entry, source = choice
    return entry["value"], prefix + source


def for_quality(fields: dict[str, Any], quality: Quality, *, few_step: bool) -> dict[str, Any]:
    """Return settings that name no quality for one: those of a full-length model run fewer steps as a draft."""
    if quality != "draft" or few_step or "steps" not in fields:
        return fields
    return {**fields, "steps": _own_draft(fields["steps"])}


def _own_draft(balanced: int) -> int:
    return min(balanced, max(DRAFT_LEAST, round(DRAFT_SHARE * balanced)))


def _draft_steps(variant: Variant, balanced: int) -> tuple[int, str]:
    entries = variant.settings["steps"]
    # What other projects use widens the range, but isn't a recommendation beside those of the model's own people.
    named = {kind: entry for kind, entry in entries.items() if kind != "third_party"} or entries
    lowest = min(entry.get("min", entry["value"]) for entry in named.values())
    if lowest <= CLEARLY_LOWER * balanced:
        kind = next(k for k, e in named.items() if e.get("min", e["value"]) == lowest)
        return lowest, f"lowest count among the sources; {_describe(variant, 'steps', kind)}"
    return _own_draft(
        balanced
    ), f"Sweet Spot's own rule for trying out prompts: 40 % of balanced, at least {DRAFT_LEAST}"


def _choose(variant: Variant, setting: str, order: tuple[str, ...]) -> tuple[dict[str, Any], str] | None:
    """Return the value from the first kind of source in `order` that the variant has, and the words for its source."""
    values = variant.settings.get(setting)
    if not values:
        return None
    kind = next(kind for kind in order if kind in values)
    missing = f"no {SOURCE_KINDS[order[0]]} number, so " if setting == "steps" and kind != order[0] else ""
    return values[kind], missing + _describe(variant, setting, kind)


def _describe(variant: Variant, setting: str, kind: str) -> str:
    entry = variant.settings[setting][kind]
    span = f" gives {entry['min']:g} to {entry['max']:g}" if "min" in entry and "max" in entry else ""
    return f"{SOURCE_KINDS[kind]}{span}: {entry['source']}"


def _shift(entry: dict[str, Any] | None, node: str) -> Shift | None:
    # A shift that depends on the image size (base, max) is computed by ComfyUI's node; there is no single number.
    if entry is None or "value" not in entry:
        return None
    return Shift(float(entry["value"]), entry["unit"], node)


def _range_of(entry: dict[str, Any]) -> tuple[float, float]:
    return float(entry.get("min", entry["value"])), float(entry.get("max", entry["value"]))

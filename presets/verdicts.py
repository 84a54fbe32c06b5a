"""Compares the settings of a sampler with those recommended for its model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..words import Message
from .plan import UNKNOWN, StepPlan
from .recognition.finding import Recognition
from .recognition.names import MOST_FEW_STEPS

# Half as many steps again are a matter of taste; more cost time that shows nothing.
_MANY = 1.5
# A few-step model's steps are exact: one more or less is within what its sources differ by.
_SLACK = 1
# Few-step models run without cfg, or with a little of it.
_LITTLE_CFG = 2.0

FINE, FEW, MANY, FULL_CFG, NEEDLESS_CFG, NOT_RECOGNISED, NOT_READ = (
    "fine",
    "too few",
    "too many",
    "few-step model at full cfg",
    "cfg not needed",
    "model not recognised",
    "steps unknown",
)


@dataclass(frozen=True)
class Verdict:
    """How a sampler's settings compare with the recommended ones.

    Attributes:
        word: one of the constants above.
        text: the reason, in one sentence.
    """

    word: str
    text: str


@dataclass(frozen=True)
class Settings:
    """What a sampler runs with.

    Attributes:
        steps: the step count of the whole schedule, None if only a run can show it.
        cfg: its cfg, None if it has none.
        denoise: the share of the noise that it removes; with less of it, fewer steps are enough.
        run: how many of the steps it runs itself, None for all.
        refines: whether it starts below the full noise, from a finished latent.
    """

    steps: int | None
    cfg: float | None = None
    denoise: float = 1.0
    run: int | None = None
    refines: bool = False


def judge(recognition: Recognition, draft: int, settings: Settings) -> Verdict:
    """Return the verdict on a sampler's settings.

    Args:
        recognition: what its model is, and the balanced plan for it.
        draft: the step count of the draft quality, the least that is recommended.
        settings: the sampler's settings.
    """
    finding = recognition.finding
    if finding.confidence == UNKNOWN and not finding.few_step:
        return Verdict(NOT_RECOGNISED, Message("judged.unknown", "No settings are known for this model."))
    return _on_cfg(recognition.plan, settings) or _on_steps(recognition, draft, settings)


def judge_list(recognition: Recognition, draft: int, counts: Sequence[int], cfg: float | None) -> dict[str, Verdict]:
    """Return what is wrong with the settings of a comparison, by setting: `cfg`, `steps`; empty if nothing is.

    Its step counts are fine if any of them is, or if they span the recommended ones.

    Args:
        recognition: what its model is, and the balanced plan for it.
        draft: the step count of the draft quality, the least that is recommended.
        counts: the step counts that are compared; empty if only a run can show them.
        cfg: its cfg, None if that is not known.
    """
    if recognition.finding.confidence == UNKNOWN and not recognition.finding.few_step:
        return {}
    on_cfg = _on_cfg(recognition.plan, Settings(None, cfg))
    words = {_on_steps(recognition, draft, Settings(count)).word for count in counts}
    least, most = _range(recognition, draft)
    wrong = {"cfg": on_cfg} if on_cfg else {}
    if words == {MANY}:
        text = "All of these step counts are above the recommended ones, which end at {most}."
        wrong["steps"] = Verdict(MANY, Message("judged.all_many", text, {"most": most}))
    elif words == {FEW}:
        text = "All of these step counts are below the recommended ones, which begin at {least}."
        wrong["steps"] = Verdict(FEW, Message("judged.all_few", text, {"least": least}))
    return wrong


def _on_cfg(plan: StepPlan, settings: Settings) -> Verdict | None:
    """Return the verdict on a cfg that the model can do without; None if it is right."""
    cfg = settings.cfg
    if plan.cfg > 1 or cfg is None or cfg <= _LITTLE_CFG:
        return None
    if plan.distilled:
        why = "This few-step model runs without cfg; cfg {cfg} doubles the time and over-saturates the image."
        return Verdict(FULL_CFG, Message("judged.full_cfg", why, {"cfg": f"{cfg:g}"}))
    if plan.guidance is not None:
        why = "Guidance is built into this model; cfg {cfg} doubles the time. Set cfg to 1 and use FluxGuidance."
        return Verdict(NEEDLESS_CFG, Message("judged.needless_cfg", why, {"cfg": f"{cfg:g}"}))
    return None


def _on_steps(recognition: Recognition, draft: int, settings: Settings) -> Verdict:
    steps, denoise = settings.steps, settings.denoise
    if settings.refines:
        refines = "It refines a finished latent, for which no step count is recommended."
        return Verdict(FINE, Message("judged.refines", refines))
    if steps is None:
        return Verdict(NOT_READ, Message("judged.computed", "The step count is computed during the run."))
    least, most = _range(recognition, draft)
    needed = max(1, math.ceil(least * min(1.0, denoise)))
    if steps < needed - _SLACK:
        values = {"steps": steps, "least": least, "needed": needed, "denoise": f"{denoise:g}"}
        if needed < least:
            text = (
                "{steps} step; the lowest recommended count is {least} ({needed} with denoise {denoise}). | "
                "{steps} steps; the lowest recommended count is {least} ({needed} with denoise {denoise})."
            )
            return Verdict(FEW, Message("judged.few_denoise", text, values))
        text = (
            "{steps} step; the lowest recommended count is {least}. | "
            "{steps} steps; the lowest recommended count is {least}."
        )
        return Verdict(FEW, Message("judged.few", text, values))
    if (settings.run or steps) > max(most + _SLACK, _MANY * most):
        many = (
            "{steps} step; the highest recommended count is {most}. | "
            "{steps} steps; the highest recommended count is {most}."
        )
        return Verdict(MANY, Message("judged.many", many, {"steps": steps, "most": most}))
    span = f"{least} to {most}" if least < most else f"{least}"
    return Verdict(FINE, f"{_steps(steps)}; recommended: {span}{' at full noise' if denoise < 1 else ''}.")


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


def _range(recognition: Recognition, draft: int) -> tuple[int, int]:
    """Return the lowest and highest recommended counts; for a few-step model those that it was trained for."""
    plan, finding = recognition.plan, recognition.finding
    if finding.few_step and not finding.told_steps:
        # A name that says few steps without a number could mean any of them.
        return 1, MOST_FEW_STEPS
    counts = [count for count in (plan.steps, plan.steps_min, plan.steps_max, *(plan.trained_steps or ())) if count]
    return min(counts if plan.distilled else [*counts, draft]), max(counts)

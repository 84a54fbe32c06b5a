"""Turns what Contender nodes ask for into contenders of one comparison."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...comparison.contenders import Contender
from .changes import Changes


def contenders_of(own: Contender, model: Any, wanted: Sequence[Changes]) -> tuple[list[Contender], tuple[Any, ...]]:
    """Return the contenders, and all models that they use; the first one is the comparison's own.

    Args:
        own: the comparison's own settings, which each contender changes.
        model: the comparison's own model.
        wanted: what the Contender nodes ask for.

    Raises:
        ValueError: if a model can't share the latent and the VAE with the comparison's own.
    """
    models, contenders = [model], list[Contender]()
    for number, changes in enumerate(wanted, start=2):
        if changes.model is not None:
            _check_model(model, changes.model, number)
            models.append(changes.model)
        contender = _contender(own, changes, len(models) - 1 if changes.model is not None else 0)
        contenders.append(_named(contender, changes, [own, *contenders], number))
    return contenders, tuple(models)


def _contender(own: Contender, changes: Changes, model: int) -> Contender:
    """Return the comparison's own settings, overridden by the contender's plan, and that by its other settings."""
    by_hand = {"sampler_name": changes.sampler_name, "scheduler": changes.scheduler, "cfg": changes.cfg}
    overrides = dict(changes.plan.overrides) if changes.plan else {}
    overrides |= {name: value for name, value in by_hand.items() if value is not None}
    contender = replace(own, sampling=replace(own.sampling, model=model, **overrides), label="")
    if changes.known_plan is not None:
        known = changes.known_plan
        contender = replace(contender, plan=changes.plan, trained_steps=known.trained_steps, variant=known.variant)
    if changes.model is not None:
        contender = replace(contender, source=changes.file or "not known")
    # A schedule chosen by hand replaces the one that a plan fixes.
    return replace(contender, plan=None) if changes.scheduler is not None else contender


def _named(contender: Contender, changes: Changes, others: Sequence[Contender], number: int) -> Contender:
    """Return the contender with a label if it was given one, or if its settings alone don't distinguish it."""
    if changes.label:
        return replace(contender, label=changes.label)
    name, taken = _name(contender), [_name(other) for other in others]
    if changes.model is not None:
        # A patched copy of the comparison's own model comes from the same file.
        is_other = changes.file and changes.file not in (others[0].source, *taken)
        return replace(contender, label=changes.file if is_other else f"{name}, model {number}")
    if name in taken and changes.plan is not None:
        return replace(contender, label=f"{name}, plan {number}")
    return contender


def _name(contender: Contender) -> str:
    return contender.settings("").name


def _check_model(own: Any, model: Any, number: int) -> None:
    """Refuse a model whose latents differ from those of the comparison's own model."""
    formats = [type(each.get_model_object("latent_format")).__name__ for each in (own, model)]
    if formats[0] != formats[1]:
        raise ValueError(
            f"contenders: expected models with the same kind of latent ({formats[0]}), because they share the latent "
            f"and the VAE; got {formats[1]} from number {number}"
        )

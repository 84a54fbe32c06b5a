"""Which step counts are worth comparing for a model."""

from .plan import StepPlan


def counts_to_compare(plan: StepPlan) -> list[int]:
    """Return step counts around the recommended one: a quarter to twice of it; for a distilled model, half to 1.5."""
    shares = (0.5, 0.75, 1, 1.5) if plan.distilled else (0.25, 0.5, 1, 2)
    return sorted({max(1, round(share * plan.steps)) for share in shares})

"""What recognition found: the variant, the confidence, and the resulting plan."""

from dataclasses import dataclass, field

from ..catalogue import Variant
from ..plan import UNKNOWN, StepPlan

CERTAIN, LIKELY, FAMILY_ONLY = "certain", "likely", "family only"
# From lowest to highest.
CONFIDENCES = (UNKNOWN, FAMILY_ONLY, LIKELY, CERTAIN)


@dataclass(frozen=True)
class Finding:
    """The variant and the evidence for it.

    Attributes:
        variant: the catalogue's entry, None if none matched.
        confidence: certain, likely, family only or unknown.
        signals: the evidence that identified it.
        contradictions: the evidence against it.
        alternatives: ids of other entries that it could also be.
        told_steps: step count in a file name, None if there is none.
        few_step: what says that few steps are enough where the variant itself is not a few-step model; empty if nothing
            does.
        refused: whether the model's class rules out what the file's name says.
        required: the required confidence if it was not reached, otherwise empty.
    """

    variant: Variant | None = None
    confidence: str = UNKNOWN
    signals: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    told_steps: int | None = None
    few_step: str = ""
    refused: bool = False
    required: str = ""


@dataclass(frozen=True)
class Recognition:
    """The answer to "which model is this, and what does it want?".

    Attributes:
        plan: recommended settings; the safe default if nothing matched.
        finding: the variant and the evidence for it.
        text: all of this in words.
    """

    plan: StepPlan
    finding: Finding = field(default_factory=Finding)
    text: str = ""

"""What recognition found: the variant, how sure that is, and the plan that follows."""

from dataclasses import dataclass, field

from ..catalogue import Variant
from ..plan import UNKNOWN, StepPlan

CERTAIN, LIKELY, FAMILY_ONLY = "certain", "likely", "family only"
# Rising.
CONFIDENCES = (UNKNOWN, FAMILY_ONLY, LIKELY, CERTAIN)


@dataclass(frozen=True)
class Finding:
    """The variant and what speaks for it.

    Attributes:
        variant: the catalogue's entry, None where none matched.
        confidence: certain, likely, family only or unknown.
        signals: what it was told by.
        contradictions: what speaks against it.
        alternatives: ids of the entries that cannot be told from it.
        told_steps: step count that a file name tells.
        refused: whether the class does not allow what the file's name says.
        required: the confidence that was required and not reached; empty where it was reached.
    """

    variant: Variant | None = None
    confidence: str = UNKNOWN
    signals: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    told_steps: int | None = None
    refused: bool = False
    required: str = ""


@dataclass(frozen=True)
class Recognition:
    """The answer to "which model is this, and what does it want?".

    Attributes:
        plan: recommended settings; the safe default where nothing matched.
        finding: the variant and what speaks for it.
        text: all of it, for people.
    """

    plan: StepPlan
    finding: Finding = field(default_factory=Finding)
    text: str = ""

"""Whether a run had enough steps: its result beside short check runs of another solver from the same noise.

Measured on the demo model (benchmarks/check.py): see `benchmarks/RESULTS.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...words import Message, Messages
from ..measures.visibility import SIDE_BY_SIDE
from .second_opinion import STEPS, Better, CheckPlan

Answer = Literal["enough", "not finished", "not clear"]

# A second check run is only needed where the first one leaves the answer open.
CHECK_STEPS = STEPS[:2]


@dataclass(frozen=True)
class Scale:
    """What the similarity of a run's result and a check run's means.

    Attributes:
        same: from this on, the first check run shows the same.
        same_later: from this on, the second check run shows the same.
        settled: from this on, two check runs show the same.
    """

    same: float
    same_later: float
    settled: float


# Both scales were found on 413 runs of the demo model. The first check run has an error of its own, and is sometimes in
# another mode itself, so that only the second one may say that a run was not enough.
LATENTS = Scale(0.9, 0.88, 0.6)


def images_scale(visible: float = SIDE_BY_SIDE.below) -> Scale:
    """Return the scale of decoded images, given the similarity below which a difference is visible."""
    return Scale(min(visible + 0.03, 0.99), visible, visible - 0.2)


@dataclass(frozen=True)
class CheckRun:
    """One check run.

    Attributes:
        steps: its step count.
        model_calls: evaluations of the denoiser.
        seconds: how long sampling took.
        similarity: how similar the result of the run under test is to its own, 0 to 1.
    """

    steps: int
    model_calls: int
    seconds: float
    similarity: float


@dataclass(frozen=True)
class RunCheck:
    """Whether a run had enough steps.

    Attributes:
        answer: the answer.
        steps: the run's step count.
        settings: those of the last check run.
        runs: the check runs.
        decoded: whether decoded images were compared; if not, latents were.
        whole: whether it started at full noise, so that a stock KSampler can run with the settings of the check.
    """

    answer: Answer
    steps: int
    settings: Better
    runs: Sequence[CheckRun]
    decoded: bool
    whole: bool = True

    @property
    def text(self) -> Messages:
        """The answer in words, and what it cost."""
        less_sure = Message(
            "enough.latents", "The latents were compared, which is less sure than images: link a VAE to compare those."
        )
        calls, seconds = (sum(getattr(run, name) for run in self.runs) for name in ("model_calls", "seconds"))
        cost = Message(
            "enough.cost",
            "The check took {calls} model calls ({seconds} s).",
            {"calls": calls, "seconds": f"{seconds:.3g}"},
        )
        return Messages(self._answer, self._advice, "" if self.decoded else less_sure, cost)

    @property
    def _answer(self) -> Message:
        values = {"steps": self.steps, "settings": self.settings.text}
        if self.answer == "enough":
            return Message(
                "enough.yes",
                "{steps} step was enough: another solver shows the same picture ({settings}). | "
                "{steps} steps were enough: another solver shows the same picture ({settings}).",
                values,
            )
        if self.answer == "not finished":
            return Message(
                "enough.no",
                "{steps} step was not enough: another solver shows a different picture ({settings}). | "
                "{steps} steps were not enough: another solver shows a different picture ({settings}).",
                values,
            )
        return Message(
            "enough.open",
            "It isn't clear whether {steps} step was enough: the check runs themselves still change. | "
            "It isn't clear whether {steps} steps were enough: the check runs themselves still change.",
            {"steps": self.steps},
        )

    @property
    def _advice(self) -> str:
        if self.answer == "enough":
            return ""
        if self.answer == "not finished" and self.whole:
            return Message("enough.try_settings", "Try more steps, or those settings.")
        return Message("enough.try_more", "Try more steps.")

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        settings = self.settings
        return {
            "answer": self.answer,
            "compared": "images" if self.decoded else "latents",
            "sampler": settings.sampler,
            "scheduler": settings.scheduler,
            "shift": settings.shift,
            "runs": [
                {"steps": run.steps, "model_calls": run.model_calls, "similarity": round(run.similarity, 6)}
                for run in self.runs
            ],
        }


def first_answer(similarity: float, scale: Scale) -> Answer | None:
    """Return the answer after the first check run; None if a second one is needed."""
    return "enough" if similarity >= scale.same else None


def second_answer(similarity: float, between: float, scale: Scale) -> Answer:
    """Return the answer after the second check run.

    Args:
        similarity: how similar the result is to the second check run's.
        between: how similar the check runs are to each other. If they differ, the second one has hardly converged.
        scale: what these mean.
    """
    if similarity >= scale.same_later:
        return "enough"
    return "not finished" if between >= scale.settled else "not clear"


def settings_of(plan: CheckPlan, run: CheckRun) -> Better:
    """Return the settings of a check run."""
    return Better(plan.sampling.sampler_name, plan.scheduler, plan.shift, run.steps, run.model_calls)

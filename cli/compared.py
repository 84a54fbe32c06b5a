"""What both kinds of `sweetspot compare` share: the question, and the answer."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Compared:
    """A finished comparison.

    Attributes:
        report: the report.
        counts_by_word: the step counts that draft, balanced and best stand for.
        left_out: why a step count is missing, by step count.
    """

    report: Any
    counts_by_word: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[int, str] = field(default_factory=dict)


def question_of(
    chosen: argparse.Namespace,
    counts: tuple[int, ...],
    *,
    auto: bool,
    possible: Callable[[int], bool] = lambda _: True,
) -> Any:
    """Return what the comparison should find out; a search runs only counts that are possible."""
    from ..comparison.measures.visibility import Visible
    from ..comparison.rounds import Question

    visible = Visible.of(chosen.threshold / 100)
    return Question(counts, auto, chosen.seeds, visible=visible, check=not chosen.no_check, possible=possible)

"""The part of a workflow that is compared, at any step count."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...comparison.runs import Sampling, Task
from ...graphs.numbers import Place
from ...graphs.seeds import seed_at, with_seeds
from ...graphs.steps import Found, with_steps
from ...graphs.values import Graph, Link
from ..comparing.fingerprints import fingerprint
from .check_graph import with_sampling
from .media import Media
from .signature import signature_of

log = logging.getLogger("sweetspot.nodes.workflow.subject")


@dataclass(frozen=True)
class Subject:
    """The part of a workflow that is compared.

    Attributes:
        graph: the prompt graph in API form.
        output: the output with the images.
        found: where its step count is set.
        seeds: the inputs that hold its seeds.
        media: what its output brings.
        clip_vision: CLIP_VISION for the semantic distance; None for no such distance.
        full_precision: whether images are kept as they come, instead of as 8-bit levels.
        keep: whether runs are kept for later comparisons.
    """

    graph: Graph
    output: Link
    found: Found
    seeds: tuple[Place, ...]
    media: Media
    clip_vision: Any = None
    full_precision: bool = False
    keep: bool = True

    @property
    def first_seed(self) -> int:
        """The workflow's own seed; 0 if it has none."""
        return seed_at(self.graph, self.seeds[0]) if self.seeds else 0

    def changed(self, task: Task) -> Graph:
        """Return the graph of one task.

        Raises:
            ValueError: if the step count, or the settings of a check, can't be set.
        """
        graph = with_seeds(self.graph, self.seeds, (task.sampling.seed - self.first_seed) % (1 << 64))
        if is_check(task.sampling):
            return with_sampling(graph, self.found, task.sampling)
        return graph if task.steps == self.found.steps else with_steps(graph, self.found, task.steps)

    @cached_property
    def _meaning(self) -> str:
        return fingerprint(self.clip_vision) if self.clip_vision is not None else ""

    async def key(self, task: Task) -> str:
        """Return the key under which a task's run is kept; empty if it can't be identified."""
        try:
            signature = await signature_of(self.changed(task), self.output)
            meaning = self._meaning
        except Exception as error:  # noqa: BLE001 - another pack's nodes may raise anything
            # This only turns reuse off.
            log.warning("This comparison can't be reused later, because its graph can't be identified: %s", error)
            return ""
        return f"workflow {signature} {self.media.key} {self.full_precision} {meaning}"


def is_check(sampling: Sampling) -> bool:
    """Return whether these are the settings of a check: only a check fixes the noise levels."""
    return bool(sampling.sigmas)

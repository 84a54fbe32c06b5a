"""What runs have shown of a workflow's sampling, whatever its step count."""

from collections import OrderedDict
from dataclasses import dataclass, field

_MOST_KEPT = 256


@dataclass
class Facts:
    """What is known of one workflow's sampling.

    Attributes:
        sampler_name: ComfyUI's name of the sampler; empty if no run has shown it.
        noisy: whether a test has shown that it injects noise.
        tested_at: the largest step count at which it was tested; 0 without a test.
        levels_of_two: by scheduler, the noise levels of two steps on its model: `simple` and `karras`.
    """

    sampler_name: str = ""
    noisy: bool = False
    tested_at: int = 0
    levels_of_two: dict[str, tuple[float, ...]] = field(default_factory=dict)


class KeptFacts:
    """Keeps the facts of the last workflows, so that a comparison of kept runs gives the same verdict."""

    def __init__(self) -> None:
        self._facts: OrderedDict[str, Facts] = OrderedDict()

    def of(self, key: str) -> Facts:
        """Return the facts of a workflow, to be filled in; without a key, new ones that are not kept."""
        if not key:
            return Facts()
        facts = self._facts.setdefault(key, Facts())
        self._facts.move_to_end(key)
        if len(self._facts) > _MOST_KEPT:
            self._facts.popitem(last=False)
        return facts

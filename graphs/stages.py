"""Finds the stages of a graph: each sampling above an output that has a step count of its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .above import Above, Use
from .numbers import Place, Source, only_sets_steps, source_of, whole
from .resampling import levels_in
from .step_names import fixed_schedulers, is_bound, is_material, is_sigmas, is_step_count
from .values import CONDITION, Link, link_of, number_of

# Where a bound stands that means "to the end".
_TO_THE_END = 10_000
_PLAN_USERS = ("SweetSpotSampler", "SweetSpotPlanSigmas")
_PRESET, _PRESET_SIGMAS = "SweetSpotPreset", 8


@dataclass(frozen=True)
class Bound:
    """A step at which a sampler starts, stops or hands over.

    Attributes:
        place: the input that holds it.
        step: its value; None if only a run can show it.
        taker: the node's own input that takes it.
    """

    place: Place
    step: int | None
    taker: Place


class Part:
    """One input with a step count, and what runs its schedule.

    Args:
        above: the graph.
        place: the input: a step count, a plan, or the SIGMAS of a preset.
    """

    def __init__(self, above: Above, place: Place) -> None:
        self.above, self.place = above, place

    @property
    def is_number(self) -> bool:
        """Whether the input takes the number itself."""
        return is_step_count(self.place.name)

    @cached_property
    def source(self) -> Source:
        """Where the number comes from."""
        if not self.is_number:
            value = self.above.inputs(self.place.node)[self.place.name]
            if isinstance(value, str):
                return Source(self.place, len(levels_in(value)) - 1)
            return Source(None, None, link_of(value))
        source = source_of(self.above, self.place, is_step_count)
        if source.origin is not None and source.place is not None and not _only_sets_steps(self.above, source.origin):
            return Source(None, source.value, source.origin)
        return source

    @cached_property
    def schedule_uses(self) -> list[Use]:
        """Which inputs take the schedule, up to those of samplers, past nodes that change or split it."""
        found: list[Use] = []
        waiting, seen = [self.place.node], {self.place.node}
        while waiting:
            for use in self.above.direct_uses(waiting.pop()):
                if is_sigmas(use.name) and use.node not in seen:
                    seen.add(use.node)
                    found.append(use)
                    waiting.append(use.node)
        return found

    @cached_property
    def samplers(self) -> list[str]:
        """The nodes that run the schedule."""
        if is_sigmas(self.place.name) and self.source.origin:
            return [self.place.node]
        further = {use.node: self.above.direct_uses(use.node) for use in self.schedule_uses}
        ends = [node for node, uses in further.items() if not any(is_sigmas(use.name) for use in uses)]
        return (
            sorted(ends, key=self.above.place_of.__getitem__)
            or _samplers_of_pipe(self.above, self.place.node)
            or [self.place.node]
        )

    @cached_property
    def bounds(self) -> list[Bound]:
        """Its bounds, apart from those that mean the start or the end."""
        places = [Place(node, name) for node in self._nodes_with_bounds() for name in self.above.inputs(node)]
        splits = [Place(use.node, "step") for use in self.schedule_uses if "step" in self.above.inputs(use.node)]
        found = []
        for place in dict.fromkeys([place for place in places if is_bound(place.name)] + splits):
            source = source_of(self.above, place, is_bound)
            if source.place is None:
                source = source_of(self.above, place, is_step_count)
            held = place
            if source.origin and source.place and _only_sets_steps(self.above, source.origin):
                held = source.place
            if source.value is None or 0 < source.value < _TO_THE_END:
                found.append(Bound(held, source.value, place))
        return found

    @cached_property
    def starts_late(self) -> bool:
        """Whether it starts inside the schedule, where another part has stopped."""
        inputs = self.above.inputs(self.place.node)
        starts = [Place(self.place.node, name) for name in inputs if is_bound(name) and name.startswith("start")]
        splits = [use for use in self.schedule_uses if "step" in self.above.inputs(use.node)]
        low = [use for split in splits for use in self.above.uses(split.node)]
        return any(source_of(self.above, start, is_bound).value != 0 for start in starts) or (
            bool(low) and all(use.slot == 1 for use in low)
        )

    @cached_property
    def stops_early(self) -> bool:
        """Whether it stops inside the schedule."""
        inputs = self.above.inputs(self.place.node)
        return bool(self.bounds) or str(inputs.get("return_with_leftover_noise")) == "enable"

    def _nodes_with_bounds(self) -> list[str]:
        """Return its own node, its samplers, and those that go on with its latent without a step count."""
        nodes = [self.place.node, *self.samplers]
        for node in nodes:
            for use in self.above.uses(node):
                inputs = self.above.inputs(use.node)
                goes_on = "steps_to_run" in inputs and not any(is_step_count(name) for name in inputs)
                if goes_on and use.node not in nodes:
                    nodes.append(use.node)
        return nodes


def parts_of(above: Above) -> list[Part]:
    """Return every input above the output that sets a schedule's step count, upstream ones first."""
    found: list[Part] = []
    for node_id in above.nodes:
        inputs, links = above.inputs(node_id), above.links(node_id)
        kind = above.kind(node_id)
        if kind in fixed_schedulers():
            continue
        if kind in _PLAN_USERS and "plan" in links:
            found.append(_plan_behind(above, node_id))
            continue
        taken = [name for name, link in links.items() if above.kind(link[0]) == _PRESET and link[1] == _PRESET_SIGMAS]
        found += [Part(above, Place(node_id, name)) for name in taken]
        if any(is_sigmas(name) for name in links):
            # A linked schedule is used instead of the node's own step count.
            continue
        names = [name for name, value in inputs.items() if is_step_count(name) and _may_be_number(value)]
        found += [Part(above, Place(node_id, name)) for name in names if _runs_or_schedules(above, node_id)]
    return found


def _plan_behind(above: Above, node_id: str) -> Part:
    """Return the part whose step count a linked plan sets: the Step Plan's own number, or the plan."""
    link = above.links(node_id)["plan"]
    steps = above.inputs(link[0]).get("steps")
    if above.kind(link[0]) == "SweetSpotPlan" and (whole(steps) or link_of(steps)):
        return _PlanPart(above, Place(link[0], "steps"), node_id)
    return Part(above, Place(node_id, "plan"))


class _PlanPart(Part):
    """A step count that a Step Plan sets for another node."""

    def __init__(self, above: Above, place: Place, user: str) -> None:
        super().__init__(above, place)
        self._user = user

    @cached_property
    def samplers(self) -> list[str]:
        """The nodes that run the plan."""
        return Part(self.above, Place(self._user, "plan")).samplers


def open_switch_of_schedule(above: Above, unit: Sequence[Part]) -> str:
    """Return the node that chooses during the run between the unit's schedule and another one; empty if none does."""
    own = {part.place.node for part in unit}
    for sampler in {sampler for part in unit for sampler in part.samplers} - own:
        waiting = [link[0] for name, link in above.links(sampler).items() if is_sigmas(name)]
        seen: set[str] = set()
        switch = ""
        while waiting:
            node = waiting.pop()
            if node in own or node in seen:
                continue
            seen.add(node)
            links = above.links(node)
            if above.passes_on(node):
                switch = node if len(links) > 1 else switch
                further = [link[0] for name, link in links.items() if not re.search(CONDITION, name)]
            else:
                further = [link[0] for name, link in links.items() if is_sigmas(name)]
            if not further and switch:
                return switch
            waiting += further
    return ""


def _only_sets_steps(above: Above, origin: Link) -> bool:
    if origin not in above.only_steps:
        above.only_steps[origin] = only_sets_steps(above, origin)
    return above.only_steps[origin]


def _may_be_number(value: object) -> bool:
    return link_of(value) is not None or whole(value) is not None


def _runs_or_schedules(above: Above, node_id: str) -> bool:
    """Return whether a node with a step count samples or makes a schedule, instead of only holding or noting it."""
    if re.search(r"metadata|save", above.kind(node_id).lower()) or any(
        is_step_count(use.name) for use in above.direct_uses(node_id)
    ):
        return False
    material = [name for name, value in above.inputs(node_id).items() if link_of(value) and is_material(name)]
    is_scheduler = "schedul" in above.kind(node_id).lower()
    return bool(material) or any(
        is_sigmas(use.name) or (is_scheduler and "schedul" in use.name) for use in above.direct_uses(node_id)
    )


def _samplers_of_pipe(above: Above, node_id: str) -> list[str]:
    """Return the samplers that take a pipe in which another node has put the settings."""
    return [
        use.node
        for use in above.direct_uses(node_id)
        if "pipe" in use.name
        and "sampler" in above.kind(use.node).lower()
        and not any(is_step_count(name) for name in above.inputs(use.node))
    ]


def denoise_of(above: Above, node_id: str) -> float:
    """Return the share of the noise that a node applies; 1 if it doesn't say."""
    value = number_of(above.values.value(above.inputs(node_id).get("denoise", 1.0)))
    return 1.0 if value is None else value

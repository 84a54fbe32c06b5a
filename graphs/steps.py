"""Finds where a graph's step count is set, for one of its outputs, and makes the graph with another step count.

found = find_steps(graph, ("8", 0))
graph_at_10 = with_steps(graph, found, 10)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .above import MOST_NODES, Above
from .numbers import Place
from .resampling import resampled
from .stages import Bound, Part, denoise_of, open_switch_of_schedule, parts_of
from .step_names import is_step_count, partner_nodes
from .values import Graph, Link, link_of

# Classes that compare settings themselves, by what their names contain.
_COMPARISONS = ("sweetspotcompare", "xyplot", "xy plot", "xy_plot", "xyinput", "xy input", "plot parameters")
_FIXED_SIGMAS = "ManualSigmas"
_MOST_LISTED = 20


@dataclass(frozen=True)
class Stage:
    """One sampling above the output, for people to choose.

    Attributes:
        node: id of its sampler.
        title: the sampler's title.
        kind: the sampler's class.
        steps: its step count; None if the graph computes it.
        denoise: share of the noise that it applies.
    """

    node: str
    title: str
    kind: str
    steps: int | None
    denoise: float

    def __str__(self) -> str:
        """Return it in words."""
        steps = "computed steps" if self.steps is None else f"{self.steps} steps"
        return f"{self.node} ({self.title}, {steps}, denoise {self.denoise:g})"


@dataclass(frozen=True)
class Found:
    """Where the step count is set.

    Attributes:
        steps: the graph's own step count; None if the graph computes it.
        places: the inputs to set.
        bounds: the steps that move with it.
        takers: the samplers' and schedulers' own inputs for it.
        samplers: the nodes that sample.
        stage: the stage, for people.
        stages: all stages above the output.
        note: what the user should know; empty if nothing.
    """

    steps: int | None
    places: tuple[Place, ...]
    bounds: tuple[Bound, ...]
    takers: tuple[Place, ...]
    samplers: tuple[str, ...]
    stage: Stage
    stages: tuple[Stage, ...]
    note: str = ""


@dataclass(frozen=True)
class Refused:
    """Why the step count cannot be changed.

    Attributes:
        why: `several`, `none`, `fixed`, `comparison`, `paid`, `computed`, `large`, or `unknown` for a choice that is
            not there.
        message: the reason, and what to do.
        stages: the stages to choose from.
    """

    why: str
    message: str
    stages: tuple[Stage, ...] = ()


def find_steps(
    graph: Graph,
    output: Link,
    chosen: str | None = None,
    *,
    resample: bool = False,
    is_paid: Callable[[str], bool] = lambda kind: kind in partner_nodes(),
) -> Found | Refused:
    """Find where the step count of an output is set.

    Args:
        graph: the prompt graph in API form.
        output: node id and output number of what is looked at, e.g. the decoded image.
        chosen: id or title of the sampler to vary; None if the graph has only one.
        resample: whether a fixed list of noise levels may be replaced by one with more or fewer levels.
        is_paid: whether a node class calls a paid service.
    """
    above = Above(graph, output)
    refused = _why_not_at_all(above, is_paid)
    if refused:
        return refused
    parts = parts_of(above) + (_fixed_parts(above) if resample else [])
    units = _units(parts)
    if not units:
        return _no_steps(above)
    return _chosen(above, units, chosen) if chosen else _only(above, units)


def with_steps(graph: Graph, found: Found, steps: int) -> Graph:
    """Return the graph with another step count; the given one stays as it is.

    Raises:
        ValueError: if two bounds would meet, so that a sampler would have no step to run.
    """
    changed = dict(graph)
    moved = {bound.place: _moved(bound, found, steps) for bound in found.bounds}
    for place in found.places:
        _set(changed, place, steps)
    for place, step in moved.items():
        _set(changed, place, step)
    return changed


def _why_not_at_all(above: Above, is_paid: Callable[[str], bool]) -> Refused | None:
    if above.too_large:
        return Refused("large", f"there are {len(above.nodes)} nodes above it; at most {MOST_NODES} are read")
    for node_id in above.nodes:
        kind = above.kind(node_id)
        if is_paid(kind):
            return Refused(
                "paid", f"{_named(above, node_id)} calls a paid service, which every step count would pay for"
            )
        if any(word in kind.lower() for word in _COMPARISONS):
            return Refused("comparison", f"{_named(above, node_id)} is a comparison already")
    return None


def _fixed_parts(above: Above) -> list[Part]:
    places = [Place(node_id, "sigmas") for node_id in above.nodes if above.kind(node_id) == _FIXED_SIGMAS]
    return [Part(above, place) for place in places if isinstance(above.inputs(place.node).get("sigmas"), str)]


def _no_steps(above: Above) -> Refused:
    fixed = [node_id for node_id in above.nodes if "sigmas" in above.inputs(node_id)]
    if fixed:
        makers = [link[0] for node_id in fixed for name, link in above.links(node_id).items() if name == "sigmas"]
        return Refused(
            "fixed", f"{_named(above, (makers or fixed)[0])} sets a fixed schedule, so there is no step count to change"
        )
    return Refused("none", "no node above it has a step count")


def _only(above: Above, units: Sequence[list[Part]]) -> Found | Refused:
    """Return what is found without a choice."""
    stages = tuple(_stage(above, choice) for unit in units for choice in _choices(unit))
    if len(units) > 1:
        return _several(stages, f"there are several samplers; choose one by id or title: {_listed(stages)}")
    return _found(above, units[0], stages[0], stages, _shared_note(stages, units[0]))


def _chosen(above: Above, units: Sequence[list[Part]], chosen: str) -> Found | Refused:
    """Return what is found for the sampler that was chosen. One that shares its number is set alone."""
    choices = [choice for unit in units for choice in _choices(unit)]
    stages = tuple(_stage(above, choice) for choice in choices)
    called = [number for number, unit in enumerate(choices) if _is_called(above, unit, stages[number], chosen)]
    if not called:
        expected = f"expected the id or title of one of these samplers: {_listed(stages)}; got {chosen!r}"
        return Refused("unknown", expected, stages)
    if len(called) > 1:
        return _several(stages, f"several samplers are called {chosen!r}; choose one by id: {_listed(stages)}")
    return _found(above, choices[called[0]], stages[called[0]], stages, alone=choices[called[0]] not in units)


def _several(stages: tuple[Stage, ...], message: str) -> Refused:
    return Refused("several", message, stages)


def _listed(stages: tuple[Stage, ...]) -> str:
    return "; ".join(map(str, stages[:_MOST_LISTED])) + ("; ..." if len(stages) > _MOST_LISTED else "")


def _choices(unit: list[Part]) -> list[list[Part]]:
    """Return what can be chosen of a unit: each sampler that shares the number, or the whole schedule run in parts."""
    is_chain = any(part.starts_late for part in unit)
    return [unit] if is_chain or len(unit) == 1 else [[part] for part in unit]


def _shared_note(stages: tuple[Stage, ...], unit: list[Part]) -> str:
    if len(_choices(unit)) == 1:
        return ""
    return f"These samplers take their steps from one place and were varied together: {_listed(stages)}."


def _units(parts: Sequence[Part]) -> list[list[Part]]:
    """Return the parts in groups that share one step count: one holder of the number, or one schedule run in parts."""
    groups: dict[object, list[Part]] = {}
    for part in parts:
        source = part.source
        groups.setdefault(source.origin or source.place or part.place, []).append(part)
    units: list[list[Part]] = []
    for group in groups.values():
        joined = [unit for unit in units if _goes_on(unit, group)] if any(part.starts_late for part in group) else []
        units = [unit for unit in units if unit not in joined]
        units.append([*(earlier for unit in joined for earlier in unit), *group])
    return units


def _goes_on(earlier: Sequence[Part], later: Sequence[Part]) -> bool:
    """Return whether later parts go on with a schedule of the same step count that earlier ones have begun."""
    value = later[0].source.value
    if value is None or value != earlier[0].source.value:
        return False
    begun = {sampler for part in earlier if part.stops_early for sampler in part.samplers}
    late = [sampler for part in later if part.starts_late for sampler in part.samplers]
    return any(not begun.isdisjoint(later[0].above.ancestors(sampler)) for sampler in late)


def _stage(above: Above, unit: Sequence[Part]) -> Stage:
    first = unit[0]
    node = first.samplers[0]
    others = [name for name in above.inputs(first.place.node) if is_step_count(name) and name != first.place.name]
    title = f"{above.title(node)}, {first.place.name}" if others else above.title(node)
    return Stage(node, title, above.kind(node), first.source.value, denoise_of(above, first.place.node))


def _is_called(above: Above, unit: Sequence[Part], stage: Stage, chosen: str) -> bool:
    nodes = {node for part in unit for node in (part.place.node, *part.samplers)}
    inputs = {f"{part.place.node}.{part.place.name}" for part in unit}
    wanted = chosen.strip()
    # A list shows the id with title, steps and denoise behind it; the steps may have changed since.
    listed = wanted.startswith(f"{stage.node} ({stage.title}, ")
    titles = {stage.title.lower(), *(above.title(node).lower() for node in nodes)}
    return wanted in nodes | inputs or listed or wanted.lower() in titles


def _found(
    above: Above,
    unit: Sequence[Part],
    stage: Stage,
    stages: tuple[Stage, ...],
    shared: str = "",
    *,
    alone: bool = False,
) -> Found | Refused:
    """Return where a unit's step count is set; at its own input if it is to be set alone."""
    places = tuple(dict.fromkeys((None if alone else part.source.place) or part.place for part in unit))
    bounds = [bound for part in unit for bound in part.bounds]
    if alone:
        # What other samplers share with this one stays as it is.
        bounds = [replace(bound, place=bound.taker) for bound in bounds]
    else:
        bounds = [bound for bound in bounds if not _follows(above, bound, unit) and bound.place not in places]
    steps = unit[0].source.value
    switch = open_switch_of_schedule(above, unit)
    if switch:
        return Refused("computed", f"{_named(above, switch)} chooses during the run between several schedules", stages)
    unknown = [bound for bound in bounds if bound.step is None or steps is None]
    if unknown:
        place = unknown[0].place
        what = f"{place.name} of {_named(above, place.node)}"
        return Refused(
            "computed", f"{what} has to move with the step count, but the graph computes one of them", stages
        )
    samplers = tuple(sorted({each for part in unit for each in part.samplers}, key=above.place_of.__getitem__))
    replaced = [part.place for part in unit if part.source.place is None and part.source.origin is not None]
    note = shared
    if replaced:
        what = f"{replaced[0].name} of {_named(above, replaced[0].node)}"
        note = f"{what} is computed by the graph; each run sets it instead."
    takers = tuple(dict.fromkeys(part.place for part in unit))
    return Found(steps, places, tuple(dict.fromkeys(bounds)), takers, samplers, stage, stages, note)


def _follows(above: Above, bound: Bound, unit: Sequence[Part]) -> bool:
    """Return whether a bound is computed from the number that is set, so that it moves by itself."""
    origins = {part.source.origin for part in unit if part.source.place is not None and part.source.origin}
    waiting = [above.links(bound.place.node).get(bound.place.name)]
    seen: set[Link] = set()
    while waiting:
        link = waiting.pop()
        if link is not None and link not in seen:
            seen.add(link)
            waiting += above.links(link[0]).values()
    return bool(origins & seen)


def _moved(bound: Bound, found: Found, steps: int) -> int:
    total = found.steps or 1
    step = round((bound.step or 0) * steps / total)
    others = {round((other.step or 0) * steps / total) for other in found.bounds if other.step != bound.step}
    inside = (bound.step or 0) < total
    if inside and (not 0 < step < steps or step in others):
        count = "1 step" if steps == 1 else f"{steps} steps"
        raise ValueError(
            f"steps: at {count}, {bound.place.name} of node {bound.place.node} (step {bound.step} of {total}) "
            f"would be step {step}, which leaves a sampler without steps or changes where it starts"
        )
    return step


def _set(graph: Graph, place: Place, steps: int) -> None:
    node = graph[place.node]
    old = node["inputs"].get(place.name)
    if place.name == "plan":
        graph[place.node] = _with_input(node, place.name, [_insert_plan(graph, place.node, old, steps), 0])
    elif link_of(old) and place.name == "sigmas":
        graph[place.node] = _with_input(node, place.name, [_insert_plan_sigmas(graph, place.node, old, steps), 0])
    elif place.name == "sigmas":
        graph[place.node] = _with_input(node, place.name, resampled(old, steps))
    else:
        graph[place.node] = _with_input(node, place.name, str(steps) if isinstance(old, str) else steps)


def _with_input(node: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**node, "inputs": {**node["inputs"], name: value}}


def _insert_plan(graph: Graph, user: str, plan: Any, steps: int) -> str:
    """Add a Step Plan that sets the step count of a plan, and return its id."""
    node_id = f"{user}_plan"
    graph[node_id] = {"class_type": "SweetSpotPlan", "inputs": {"plan": plan, "steps": steps}}
    return node_id


def _insert_plan_sigmas(graph: Graph, user: str, preset: Any, steps: int) -> str:
    """Add what makes a preset's SIGMAS for another step count, and return its id."""
    plan, node_id = _insert_plan(graph, user, [preset[0], 1], steps), f"{user}_sigmas"
    inputs = {"model": [preset[0], 0], "plan": [plan, 0], "denoise": 1.0}
    graph[node_id] = {"class_type": "SweetSpotPlanSigmas", "inputs": inputs}
    return node_id


def _named(above: Above, node_id: str) -> str:
    kind, title = above.kind(node_id), above.title(node_id)
    return f"node {node_id} ({title})" if title == kind else f"node {node_id} ({title}, {kind})"

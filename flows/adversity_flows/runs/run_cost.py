"""What a run of a plan costs, before it runs: work, disk and time, or why that is not known.

Nothing is guessed: work follows from the plan and from what attacks say of themselves, disk from
the shape of images or from the last run, time from earlier runs alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from adversity.contracts import Combine, Dataset, Decide, PostHoc, Sampling, Score
from adversity.engine.chain.target import EOT_DRAWS
from adversity.pipeline.plan.in_versions import file_name, settings_of
from adversity.pipeline.plan.paths import rests_on
from adversity.pipeline.plan.routes import every, route_of
from adversity.registry.entry import class_of
from adversity_flows.runs.earlier_runs import Earlier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity.contracts import Attack
    from adversity.pipeline.plan.chain import Chain
    from adversity.pipeline.plan.model import Cell, Plan, PlannedData, PlannedStep

__all__ = ["KEPT", "RunCost", "StepCost", "run_cost"]

KEPT = 3
"""An artifact's bytes lie so often on the disk: in the store of shards, in the artifact, in DVC's
cache (twice where that links instead of copying)."""
_FROM_TABLES = (Score, PostHoc, Combine, Decide)
"""Uncertainty that asks no network: it works on the rows of a table."""
_FLOAT = 4


@dataclass(frozen=True, slots=True)
class StepCost:
    """What a step costs if all of its cells are computed.

    Attributes:
        step, role: The step and what it does.
        cells: Its cells.
        samples: Samples of each cell, at most; None if that is not known.
        fits: How many times its plugin is fitted: once a cell, and once more without each fold.
        queries: Images that networks answer for, in all cells: exactly so many of a classifier's
            step, at most so many of an attack's own, each image once for every member of an
            ensemble and every draw of a sampled answer; None if that is not known.
        gradients: The same of gradients of images.
        draws: How often each of them goes through a chain that draws random numbers.
        size: Bytes of its artifact, about; None if that is not known.
        seconds: None if no run has measured it.
        sources: Runs that the numbers are from.
        unknown: Why a number is not known.
    """

    step: str
    role: str
    cells: int
    samples: int | None
    fits: int = 0
    queries: int | None = None
    gradients: int | None = None
    draws: int = 1
    size: int | None = None
    seconds: float | None = None
    sources: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunCost:
    """What a run costs.

    Attributes:
        steps: Those that leave an artifact.
        samples: By data set, how many samples it has at most, and the run that counted them.
    """

    steps: tuple[StepCost, ...]
    samples: Mapping[str, tuple[int, str | None]]

    def total(self, name: str) -> tuple[float, tuple[str, ...]]:
        """Return the sum of what is known of `queries`, `gradients`, `size` or `seconds`.

        Returns:
            The sum, and the steps of which it is not known.
        """
        values = {one.step: getattr(one, name) for one in self.steps}
        missing = tuple(step for step, value in values.items() if value is None)
        return sum(value for value in values.values() if value is not None), missing


def run_cost(plan: Plan) -> RunCost:
    """Say what a run of a plan costs, if nothing of it was computed before."""
    return _Coster(plan).cost()


class _Coster:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._steps = [plan.steps[s.step] for s in plan.stages if s.step in plan.steps]
        behind = {one.id: rests_on(one.id, plan.steps) for one in self._steps}
        self._earlier = Earlier(plan, behind)
        self._samples = dict(self._counted())
        for id_, counted in list(self._samples.items()):  # of several versions, the largest
            name = file_name(id_)
            self._samples[name] = max(self._samples.get(name, counted), counted)

    def cost(self) -> RunCost:
        return RunCost(tuple(map(self._of, self._steps)), self._samples)

    def _counted(self) -> Iterator[tuple[str, tuple[int, str | None]]]:
        """Count samples: as the last run did, else as the data set says without reading images."""
        for id_, planned in self._plan.data.items():
            measured = self._earlier.samples(id_)
            if measured is not None:
                yield id_, (int(measured.value), measured.run)
                continue
            most = _at_most(planned, self._plan)
            if most is not None:
                yield id_, (most, None)

    def _of(self, planned: PlannedStep) -> StepCost:
        fits = planned.fitted_by if planned.role == "define" else ()
        data = self._plan.chain(next(iter(fits), planned.id)).start
        samples = self._samples.get(data, (None, None))
        times = 0 if planned.fit_on is None else 1 + (planned.fold_count or 0)
        cells = len(planned.cells)
        cost = StepCost(planned.id, planned.role, cells, samples[0], fits=cells * times)
        if samples[0] is None and planned.role != "measure":
            cost = _without(cost, f"how many samples {data} has is known once it was run")
        cost = self._work(planned, cost)
        cost = self._disk(planned, cost, data)
        return self._time(planned, cost, data)

    def _work(self, planned: PlannedStep, cost: StepCost) -> StepCost:
        rows = None if cost.samples is None else cost.samples * cost.cells
        if planned.role == "attack":
            return self._attack(planned, cost)
        if planned.role in ("predict", "regress"):
            return replace(cost, queries=rows, gradients=0)
        cls = class_of(planned.entry)
        if planned.role == "measure" or (planned.role == "score" and issubclass(cls, _FROM_TABLES)):
            return replace(cost, queries=0, gradients=0)
        asks = [self._asks(planned, cell) for cell in planned.cells]
        if planned.role == "score" and None not in asks:
            each = sum(count for count in asks if count is not None)
            queries = None if cost.samples is None else cost.samples * each
            return replace(cost, queries=queries, gradients=0)
        what = "what fitting" if planned.role == "define" else "how often it"
        return _without(cost, f"{what} asks of a network is not known")

    def _attack(self, planned: PlannedStep, cost: StepCost) -> StepCost:
        """Add up what the attack says of itself, with the parameters of each cell."""
        chain = self._plan.victim(planned.id)
        chain = chain if planned.knowledge == "white-box" else chain.undefended
        costs = [_declared(planned.plugins[cell]) for cell in planned.cells]
        networks = [self._networks(chain, cell) for cell in planned.cells]
        known = [
            (one[0] * count, one[1] * count)
            for one, count in zip(costs, networks, strict=True)
            if one is not None and count is not None
        ]
        if None in costs:
            cost = _without(cost, f"{planned.entry.label} does not say what it costs at most")
        elif None in networks:
            cost = _without(cost, "how often its victim asks of a network is not known")
        elif cost.samples is not None:
            queries, gradients = (cost.samples * sum(one[part] for one in known) for part in (0, 1))
            cost = replace(cost, queries=queries, gradients=gradients)
        random = _is_averaged(chain)
        if planned.options.get("probe"):
            cost = _without(cost, "its probe attacks some samples three times more")
        return replace(cost, draws=EOT_DRAWS if random else 1)

    def _networks(self, chain: Chain, cell: Cell) -> int | None:
        """Return how many answers of networks an image costs: of each member, in each draw."""
        counts: list[int | None] = []
        for placed in every(route_of(chain, cell, self._plan.steps)):
            if placed.step.role == "predict":
                counts.append(1)
            elif issubclass(class_of(placed.step.entry), Sampling):
                counts[-1] = self._asks(placed.step, cell)  # the classifier right before it
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def _asks(self, planned: PlannedStep, cell: Cell) -> int | None:
        """Ask a method how often it asks a network for an image; one that fails says nothing."""
        definition = self._plan.steps[planned.definition]
        plugin: Any = definition.plugins[cell.restrict(definition.variables)]
        try:
            asks = getattr(plugin, "asks_each", None)
            return None if asks is None else int(asks)
        except Exception:  # noqa: BLE001  (likewise)
            return None

    def _disk(self, planned: PlannedStep, cost: StepCost, data: str) -> StepCost:
        if cost.samples is None:
            return cost
        rows = cost.samples * cost.cells
        measured = self._earlier.bytes_a_row(planned.id)
        if measured is not None:
            return _from(replace(cost, size=round(measured.value * rows)), measured.run)
        shape = _shape(settings_of(self._plan.data, data))
        if planned.role != "attack":
            return _without(cost, "how large its rows are is known once it was run")
        if shape is None or any(_resizes(link) for link in self._plan.chain(planned.id).links):
            return _without(cost, f"the size of the images of {data} is known once it was run")
        return replace(cost, size=rows * shape * _FLOAT)

    def _time(self, planned: PlannedStep, cost: StepCost, data: str) -> StepCost:
        fits = planned.role == "define"
        measured = self._earlier.seconds_a_row(planned.id, data, fits=fits)
        if measured is None or cost.samples is None:
            return cost
        rows = cost.samples * (1 if fits else cost.cells)
        return _from(replace(cost, seconds=measured.value * rows), measured.run)


def _without(cost: StepCost, why: str) -> StepCost:
    return replace(cost, unknown=(*cost.unknown, why))


def _from(cost: StepCost, run: str) -> StepCost:
    return replace(cost, sources=tuple(dict.fromkeys((*cost.sources, run))))


def _at_most(planned: PlannedData, plan: Plan) -> int | None:
    """Ask a data set how many samples it has at most; one that fails says nothing, the run will."""
    plugin = planned.plugin
    if not isinstance(plugin, Dataset):
        return None
    written = plugin.packaged or planned.pinned is not None
    place = plan.root / str(planned.location) if written else plan.root
    try:
        return plugin.at_most(place)
    except Exception:  # noqa: BLE001  (a plugin raises what it likes, and nothing hangs on it)
        return None


def _declared(attack: Any) -> tuple[int, int] | None:
    own: Attack = attack
    try:
        most = own.costs_at_most
        return None if most is None else (int(most[0]), int(most[1]))
    except Exception:  # noqa: BLE001  (likewise)
        return None


def _is_averaged(chain: Chain) -> bool:
    """Say whether attacks average over draws; what samples a network does so by itself."""
    classes = [class_of(link.entry) for link in chain.parts]
    return any(bool(cls.stochastic) and not issubclass(cls, Sampling) for cls in classes)


def _resizes(link: PlannedStep) -> bool:
    cls: Any = class_of(link.entry)
    return bool(getattr(cls, "resizes", False) or getattr(cls, "scale", 1) != 1)


def _shape(planned: PlannedData) -> int | None:
    """Return how many values an image has at most, where `prepare` says its sides."""
    side = planned.prepare.get("centre_crop")
    channels = planned.prepare.get("channels")
    if channels is None and isinstance(planned.plugin, Dataset):
        channels = max(planned.plugin.takes_channels() or (0,)) or None
    return None if side is None or channels is None else side * side * channels

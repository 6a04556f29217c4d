"""What the shards of a run share: opened data sets, and plugins that are set up.

Data sets are opened once. Plugins are set up once for each worker thread, since a network
is not safe to share.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Classifier, State
from adversity.contracts.targets import NO_LABEL
from adversity.data.arrays import read_arrays
from adversity.data.checksums import verified_file
from adversity.data.labels_map import read_labels
from adversity.data.reading import Source
from adversity.data.store import file_state
from adversity.data.stored import TABLE, StoredTable
from adversity.engine.attack.looks import Answers
from adversity.engine.calls.set_up import set_up
from adversity.engine.chain.links import Bundle, Link
from adversity.engine.set_up.class_indices import class_indices
from adversity.engine.set_up.data_places import is_there, open_root, require_readable
from adversity.engine.set_up.masked import masked
from adversity.engine.set_up.workspace import slug
from adversity.errors import NotFittedError, StorageError
from adversity.pipeline.plan.in_versions import data_in, settings_of
from adversity.pipeline.plan.routes import route_of

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import Dataset, MetricBase, Plugin, PluginBase
    from adversity.engine.attack.looks import Seen
    from adversity.engine.calls.ready import Ready
    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.chain import Chain
    from adversity.pipeline.plan.model import Cell, Plan, PlannedData, PlannedStep
    from adversity.pipeline.plan.routes import Placed

__all__ = ["Toolbox", "state_path", "toolbox_of"]


def state_path(folder: Path, cell: Cell, fold: int | None = None) -> Path:
    """Return where a fitted plugin's state lies in a step's artifact; that without a fold, from 0."""
    states = folder / "states" if fold is None else folder / "folds" / str(fold + 1)
    return states / f"{slug(cell)}.safetensors"


_latest: list[Toolbox] = []
"""The toolbox of the run that goes on in this process."""
_latest_lock = threading.Lock()


def toolbox_of(plan: Plan, workspace: Workspace) -> Toolbox:
    """Return the toolbox that the stages of one run share; the last run's is released."""
    with _latest_lock:
        if not _latest or _latest[0].plan is not plan or _latest[0].workspace != workspace:
            _latest[:] = [Toolbox(plan, workspace)]
        return _latest[0]


class Toolbox:
    """Opened data sets and ready plugins of one plan in one workspace."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        """Open nothing yet."""
        self.plan = plan
        self.workspace = workspace
        self._lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """Close everything: a data set was written."""
        with self._lock:
            self._sources: dict[str, Source] = {}
            self._tables: dict[Path, tuple[tuple[int, ...], StoredTable]] = {}
            self.forget_plugins()

    def forget_plugins(self) -> None:
        """Let go of what is set up: a plugin was fitted anew. Data sets stay open."""
        with self._lock:
            self._local = threading.local()
            self._seen: dict[tuple[str, ...], Seen] = {}
            self.answers = Answers()

    def seen(self, *what: str) -> Seen:
        """Return what a look found, for every step that looks for the same.

        Args:
            what: Which look, and all that it hangs on but the sample.
        """
        with self._lock:
            return self._seen.setdefault(what, {})

    def artifact(self, step: str) -> Path:
        """Return the folder of a step's artifact."""
        return self.workspace.outputs / self.plan.stage(step).out

    def table(self, step: str) -> StoredTable:
        """Open the table of a finished step.

        Its content is verified when it is first read, and again if it was touched since.

        Raises:
            StorageError: If it is missing or damaged.
        """
        folder = self.artifact(step)
        path = folder / TABLE
        with self._lock:
            known = self._tables.get(path)
            if known is None or not path.is_file() or file_state(path) != known[0]:
                verified_file(folder, TABLE)
                known = self._tables[path] = file_state(path), StoredTable(path)
            return known[1]

    def data(self, name: str, cell: Cell | None = None) -> PlannedData:
        """Return what a data set is in a cell, which says in what version if there are several."""
        return data_in(self.plan.data, name, cell)

    def source(self, name: str, cell: Cell | None = None) -> Source:
        """Open a data set on first use, in the version of a cell.

        Raises:
            DataError: If it is missing, empty or wrong.
        """
        planned = self.data(name, cell)
        with self._lock:
            if planned.id not in self._sources:
                folder = open_root(planned, self.workspace)
                root = self.workspace.root if planned.pinned is None else folder
                dataset: Dataset = self._set_up(planned.plugin, planned.entry.label, root).plugin
                require_readable(planned, self.workspace.root)
                dataset.open(folder)
                self._sources[planned.id] = Source(dataset, planned.prepare)
            return self._sources[planned.id]

    def starts_clean(self, name: str, cell: Cell) -> bool:
        """Say whether the images of a data set may stand for clean ones: none has a cleaner one."""
        clean = self.data(name, cell).images == "clean"
        return clean and not self.source(name, cell).references_count

    def there(self, data: str) -> bool:
        """Say whether a data set is on disk: materialised, pulled."""
        return is_there(self.plan.data[data], self.workspace)

    def definition_of(self, step: str) -> PlannedStep:
        """Return the step that defines the plugin of `step`."""
        return self.plan.steps[self.plan.steps[step].definition]

    def plugin(self, step: str, cell: Cell) -> PluginBase:
        """Return the plugin of a step in a cell, not set up."""
        planned = self.definition_of(step)
        return planned.plugins[cell.restrict(planned.variables)]

    def metrics(self) -> tuple[Ready, ...]:
        """Return the pipeline's metrics, set up, with the plugins in their parameters ready.

        Raises:
            PluginError: If setting one up fails.
        """
        if "metrics" not in self._local.__dict__:
            self._local.metrics = tuple(map(self._metric, self.plan.metrics))
        return self._local.metrics  # type: ignore[no-any-return]

    def _metric(self, given: MetricBase) -> Ready:
        return self._set_up(given, f'metric "{given.name}"')

    def _set_up(
        self, given: PluginBase, label: str, root: Path | None = None, **more: Any
    ) -> Ready:
        """Set a plugin up where this run computes, in its project, or where its files lie."""
        place = root or self.workspace.root
        return set_up(given, label, self.plan.spec.run.device, root=place, **more)

    def ready(self, step: str, cell: Cell) -> Ready:
        """Return the plugin of a step, set up, and fitted where it must be.

        A classifier whose step has `classes:` answers with these alone.

        Raises:
            NotFittedError: If its state is not there yet.
            PluginError: If setting it up fails.
            DataError: If it has not the classes that the step names.
        """
        whole, classes = self.whole(step, cell), self.plan.steps[step].options.get("classes")
        if classes is None:
            return whole
        cache: dict[tuple[str, str], Ready] = self._local.__dict__.setdefault("masked", {})
        key = (step, self.plan.steps[step].own(cell).key)
        if key not in cache:
            data = self.plan.chain(step).start
            cache[key] = masked(
                whole,
                classes,
                f"{self.plan.steps[step].line}: {step}",
                source=self.source(data, cell) if classes == "data" else None,
                keep_unknown=settings_of(self.plan.data, data).unknown == "keep",
            )
        return cache[key]

    def whole(self, step: str, cell: Cell, fold: int | None = None) -> Ready:
        """Return the same, with all its classes; or as it was fitted without a fold."""
        planned = self.definition_of(step)
        own = cell.restrict(planned.variables)
        cache: dict[tuple[str, str, int | None], Ready] = self._local.__dict__.setdefault(
            "ready", {}
        )
        key = (planned.id, own.key, fold)
        if key not in cache:
            state = self.state(planned.id, own, fold) if planned.fit_on is not None else None
            cache[key] = self.bare(planned.id, own, state=state)
        return cache[key]

    def links(self, chain: Chain, cell: Cell) -> tuple[Link | Bundle, ...]:
        """Return the links of a chain in a cell, set up."""
        route = route_of(chain, cell, self.plan.steps)
        return tuple(self._link(placed, cell) for placed in route)

    def _link(self, placed: Placed, cell: Cell) -> Link | Bundle:
        step, ready = placed.step.id, self.ready(placed.step.id, placed.cell)
        if not placed.members:
            return Link(step, ready, placed.place(cell))
        members = (tuple(self._link(one, cell) for one in member) for member in placed.members)
        return Bundle(step, ready, tuple(members))

    def bare(self, step: str, cell: Cell, *, state: State | None = None) -> Ready:
        """Return the plugin of a step set up, for fitting it or with a state that was found."""
        planned = self.definition_of(step)
        given, entry = planned.plugins[planned.own(cell)], planned.entry_of(cell)

        def prepared(nested: Plugin[Any]) -> Ready | None:
            return None if nested.step is None else self.ready(nested.step, cell)

        return self._set_up(given, entry.label, prepared=prepared, state=state)

    def state(self, step: str, cell: Cell, fold: int | None = None) -> State:
        """Read the state of a fitted step, or what it found without a fold.

        Raises:
            NotFittedError: If the step has not run.
        """
        try:
            folder = self.artifact(step)
            place = state_path(folder, cell, fold).relative_to(folder).as_posix()
            arrays, info = read_arrays(verified_file(folder, place))
        except StorageError as error:
            raise NotFittedError(
                f"step {step!r} is not fitted in cell {cell.key or 'all'!r}: {error}; run it first"
            ) from error
        return State(arrays, info)

    def targets(
        self, data: str, step: str, cell: Cell
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        """Return the labels of a data set as classes of the classifier of `step`.

        Returns:
            `[N]` int64, `UNKNOWN_CLASS` or `NO_LABEL` where there is none; None if the data set has
            no labels at all.
        """
        return self.targets_of(data, self.ready(step, cell).plugin, cell)

    def targets_of(
        self, data: str, classifier: Classifier, cell: Cell
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        """Return the same of a classifier that is set up."""
        source, planned = self.source(data, cell), self.data(data, cell)
        if not source.labelled:
            return None
        file = planned.labels
        labels = None if file is None else read_labels(self.workspace.root / file, file)
        indices = class_indices(
            source.class_names,
            source.targets[source.targets >= 0].tolist(),
            classifier,
            labels=labels,
            data=f"data {planned.id!r}",
            keep_unknown=planned.unknown == "keep",
            members=source.class_members,
        )
        return np.where(source.targets < 0, NO_LABEL, indices[source.targets])

"""The plan: a pipeline file with everything resolved, before any work is done.

`make_plan.py` makes these values; the engine, the recorder and the report only read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from adversity.contracts.goal import Goal, goal_named
from adversity.pipeline.plan.chain import chain_to, victim_of
from adversity.pipeline.plan.measures import measures_of
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from adversity.contracts import MeasureInfo, MetricBase, PluginBase
    from adversity.pipeline.gates.verdicts import Gate
    from adversity.pipeline.plan.chain import Chain
    from adversity.pipeline.read.revisions import Pinned
    from adversity.pipeline.read.spec import PipelineSpec
    from adversity.registry import Entry

__all__ = ["Cell", "Plan", "PlannedData", "PlannedStep", "Stage"]


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One combination of matrix values: (variable, value as written), in the file's order."""

    values: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """`severity=3,eps=4/255`, or the empty string."""
        return cell_key(self.as_dict())

    def restrict(self, names: tuple[str, ...]) -> Cell:
        """Keep only these variables."""
        return Cell(tuple((name, value) for name, value in self.values if name in names))

    def as_dict(self) -> dict[str, str]:
        """Return variable to value as written."""
        return dict(self.values)


@dataclass(frozen=True, slots=True)
class PlannedData:
    """A data set of the pipeline, resolved.

    Attributes:
        id: Its name in the file.
        entry: The plugin.
        plugin: The plugin with its parameters, not yet opened.
        prepare: The options of `Prepare`; empty if none.
        location: What DVC hashes, relative to the project: a folder or file, or
            `data/<name>` for a packaged data set.
        images: `clean`: what they were before the first degradation is what image metrics compare
            with, if none has a reference. `degraded`: without references nothing is.
        labels: A file that maps the data set's class names to the classifier's, or None.
        unknown: `keep`: samples may have classes that a classifier lacks.
        line: `file:line` for messages.
        pinned: What it is at the revision that `rev:` names; None: what is on the disk. `location` is
            the folder among the versions then, in which it lies where the project has it.
        cell: The variable that `rev:` names, with its value here; empty where it is in one version.
    """

    id: str
    entry: Entry
    plugin: PluginBase
    prepare: Mapping[str, int] = field(default_factory=dict)
    location: str | None = None
    labels: str | None = None
    line: str = ""
    images: Literal["clean", "degraded"] = "clean"
    unknown: Literal["keep"] | None = None
    pinned: Pinned | None = None
    cell: Cell = Cell()


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of the pipeline, resolved.

    Attributes:
        id: Its name in the file.
        role: What it does, as its kind says: `view` makes images that are not stored, other roles
            leave a table. Or `define`: it names a plugin, and fits it where it has `fit_on`.
        entry: Its plugin (for `uses: net`, the definition's); the first one, where a variable of
            the matrix stands for several.
        entries: The plugin of each cell; `entry_of` finds it.
        definition: The step that defines the plugin, itself included (`net`); views, attacks
            and direct uses define their own.
        source: `from:`, ids of steps or data sets; empty for a pure definition.
        against: For attacks, the step whose answer is attacked; for metrics, the step whose table
            is compared with.
        over: The variables whose cells are folded into one: for metrics, and into members.
        by: For metrics, what tells groups of samples apart, each measured by itself: `group`, or an
            attribute. Which groups there are is known when the data are read.
        fit_on: What fits a plugin that learns: the step or data set of each of its sources, by the
            source's name, the one that it mainly learns from first.
        weights: What each sample of its first source counts while it is fitted: an attribute, or
            `balanced` for as much of each class; None where all count the same.
        bootstrap: The number of the draw with replacement from that source that it is fitted on, as
            written, or `$name` of a variable; None without one.
        fold_count: How many folds the samples of that source are dealt into, where the plugin is fitted
            once more without each; None for none.
        knowledge: `white-box` or `grey-box`.
        variables: The matrix variables its result depends on, in the file's order.
        cells: Its cells, in matrix order; one empty cell without a matrix.
        plugins: The plugin with its parameters, by cell.
        options: Other settings of the step (`objective`, `probe`, `classes`).
        nested: The steps whose plugins stand in the parameters of its plugin.
        line: `file:line` for messages.
    """

    id: str
    role: str
    entry: Entry
    definition: str
    source: tuple[str, ...] = ()
    against: str | None = None
    over: tuple[str, ...] = ()
    by: str | None = None
    fit_on: Mapping[str, str] | None = None
    knowledge: Literal["white-box", "grey-box"] = "white-box"
    variables: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = (Cell(),)
    plugins: Mapping[Cell, PluginBase] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    line: str = ""
    nested: tuple[str, ...] = ()
    entries: Mapping[Cell, Entry] = field(default_factory=dict)
    weights: str | None = None
    bootstrap: str | None = None
    fold_count: int | None = None

    def draw_of(self, cell: Cell) -> int | None:
        """Return the number of the draw that its plugin is fitted on in a cell; None without one."""
        if self.bootstrap is None:
            return None
        name = self.bootstrap.removeprefix("$")
        return int(cell.as_dict()[name] if name != self.bootstrap else name)

    def own(self, cell: Cell) -> Cell:
        """Return the step's own cell within one that has more variables."""
        return cell.restrict(self.variables)

    def entry_of(self, cell: Cell) -> Entry:
        """Return the plugin of a cell, which may have more variables."""
        return self.entries.get(self.own(cell), self.entry)

    @property
    def plugin_entries(self) -> tuple[Entry, ...]:
        """Its plugins, each once: one, unless a variable of the matrix stands for several."""
        return tuple({id(entry): entry for entry in self.entries.values()}.values()) or (
            self.entry,
        )

    def plugins_of(self, entry: Entry) -> list[PluginBase]:
        """Return one of its plugins with the parameters of each of its cells."""
        return [plugin for cell, plugin in self.plugins.items() if self.entry_of(cell) is entry]

    def folds(self, other: PlannedStep, cell: Cell) -> tuple[Cell, ...]:
        """Return the cells of a step that go into a cell of this one, in the order of the matrix."""
        return tuple(
            one
            for one in other.cells
            if one.restrict(self.variables) == cell.restrict(other.variables)
        )

    def group_cell(self, cell: Cell, name: str) -> Cell:
        """Return the cell of one group of samples, within a cell of a step with `by:`."""
        return Cell((*cell.values, (str(self.by), name)))

    @property
    def goal(self) -> Goal:
        """What an attack is after."""
        return goal_named(self.options.get("objective"))

    @property
    def fitted_by(self) -> tuple[str, ...]:
        """The steps and data sets that fit its plugin, each once."""
        return tuple(dict.fromkeys((self.fit_on or {}).values()))

    @property
    def upstream(self) -> str:
        """The step or data set that it works on; of several, which are members, the first."""
        return self.source[0]

    @property
    def reads(self) -> tuple[str, ...]:
        """The steps and data sets whose images or rows go in: what is compared with, as well."""
        compared = (self.against,) if self.role == "measure" and self.against is not None else ()
        return (*self.source, *compared)

    @property
    def is_measured(self) -> bool:
        """Whether it leaves a table and its measures."""
        return self.role not in ("view", "define")

    @property
    def has_artifact(self) -> bool:
        """Whether it leaves anything: a table, or what fitting found."""
        return self.is_measured or (self.role == "define" and self.fit_on is not None)


@dataclass(frozen=True, slots=True)
class Stage:
    """A unit that DVC records: one step that leaves an artifact, or one packaged data set.

    Attributes:
        step: The step's id; `report`; `data:<plugin name>` for a packaged data set; or
            `data:<name>` for data of a revision.
        name: DVC's stage name: `<pipeline>-<step>` or `data-<plugin name>`.
        command: What `dvc repro` runs.
        deps: Paths relative to the project: data, upstream artifacts, weight files.
        params: DVC params: file to dotted keys.
        out: The artifact folder, relative to the project.
        metrics: The metrics file, relative to the project, or None.
        views: The views that run inside it, in order.
    """

    step: str
    name: str
    command: str
    deps: tuple[str, ...]
    params: Mapping[str, tuple[str, ...]]
    out: str
    metrics: str | None = None
    views: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A pipeline, resolved.

    Attributes:
        spec: The file as read.
        file: Its path, relative to `root`, with forward slashes.
        root: The project's folder.
        data: By id, in the file's order.
        steps: By id, in an order in which every step comes after what it needs.
        stages: In the order they run; the report last.
        gates: Parsed.
        metrics: The metrics computed wherever their inputs are: those that are `always`, and
            those the file names; sorted by name.
        resolved: What `pipelines/.resolved/<name>.yaml` must hold: for each step its plugin's
            distribution, version, API version and source fingerprint.
        packaged: Name of a packaged data set to what `pipelines/.resolved/data/<name>.yaml` must
            hold of it: as in `resolved`, and `content`, the hash of the files in its package.
        warnings: Said when the plan is shown (an expensive view with several consumers).
        matrix: Every variable with its values as written, in the file's order.
    """

    spec: PipelineSpec
    file: str
    root: Path
    data: Mapping[str, PlannedData]
    steps: Mapping[str, PlannedStep]
    stages: tuple[Stage, ...]
    gates: tuple[Gate, ...] = ()
    metrics: tuple[MetricBase, ...] = ()
    resolved: Mapping[str, Any] = field(default_factory=dict)
    packaged: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    matrix: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def measures(self) -> dict[str, MeasureInfo]:
        """What is known of every measure, by name."""
        return measures_of(self.metrics, self.steps.values())

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.spec.name

    def uses(self, step: str) -> str:
        """Return `kind/name` of a step's plugin, `kind/$variable` where the matrix names several."""
        entry, written = self.steps[step].entry, self.spec.steps[self.steps[step].definition].uses
        name = written.rpartition("/")[2] if "$" in written else entry.name
        return f"{entry.kind}/{name}"

    def chain(self, id_: str) -> Chain:
        """Return what images go through from their data set to a step."""
        return chain_to(id_, self.steps)

    def victim(self, attack: str) -> Chain:
        """Return what the images of an attack go through to the answer it attacks."""
        return victim_of(self.steps[attack], self.steps)

    def stage(self, step: str) -> Stage:
        """Return the stage of a step."""
        return next(stage for stage in self.stages if stage.step == step)

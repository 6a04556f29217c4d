"""What a report says, as values: the engine fills them, the writers only read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from adversity.report.values.apart import Apart
from adversity.report.values.compared import Compared
from adversity.report.values.example_row import ImageRow, ShownImage
from adversity.report.values.paired import CellValues, DefenceGap, ErrorGain, Gain
from adversity.report.values.provenance import Outcome, Provenance
from adversity.report.values.sheets import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts.values import Measure
    from adversity.report.values.compared import Side
    from adversity.report.values.decided import Estimates, SetSizes
    from adversity.report.values.run_diff import RunDiff
    from adversity.report.values.splits import Split

__all__ = [
    "Apart",
    "Caveat",
    "CellResult",
    "CellValues",
    "Compared",
    "DataSummary",
    "DefenceGap",
    "ErrorGain",
    "Gain",
    "GateResult",
    "ImageRow",
    "Outcome",
    "Provenance",
    "Report",
    "Sheet",
    "ShownImage",
    "StepSummary",
    "Verdict",
]

Verdict = Literal["pass", "fail", "undecided", "error"]


@dataclass(frozen=True, slots=True)
class CellResult:
    """The measures of one cell of a step.

    Attributes:
        cell: Which cell.
        n: Samples in it.
        measures: By name: `accuracy`, `psnr_db`, `robust_accuracy`, ...
        notes: Caveats of this cell alone, in words (a calibrator that fell back to identity).
        parameters: The plugin's parameters in this cell, as JSON values.
    """

    cell: CellValues
    n: int
    measures: Mapping[str, Measure]
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepSummary:
    """One step of the pipeline and what it measured.

    Attributes:
        id: The step's id in the file.
        uses, kind: `kind/name` of its plugin, and its kind.
        makes, image_role: `images`, and `degraded`; `predictions`, and nothing; ...
        source: Steps or data sets it reads (`from:`).
        path: From the data set to this step: `("photos", "dark", "enhanced", "predictions")`.
        against: For attacks, the step whose answer is attacked; for metrics, that compared with.
        by: For metrics, the attribute whose groups of samples are its cells; or `group`.
        compared: What its figures rest on beside its path: the steps and data sets behind tables
            that are compared with, by itself or by a metric before it.
        fit_on: What it was fitted on; the first of several.
        fit_sources: All of them by the source's name, where there are several or one without labels.
        knowledge: For attacks, `white-box` or `grey-box`.
        threat: For attacks, `type` (the threat's word), `access`, `control`, `targeted`; `norm`,
            `measure` and `eps`, which may be `$eps`; `bounds`, `{"angle_deg": [-30, 30]}`, the
            widest of its cells; `nearest` where the nearest failure is looked for; `objective` where
            it is after a decision, `look_sure` or `look_unsure`.
        budget: For attacks, a sentence on how much they may change, from their threat.
        links: For attacks, `step`, `uses` and `gradient` of each link that the gradient went through.
        cells: Results; empty for views and definitions.
        plugin: Its distribution, licences, ...; `plugins`, the same of each, where a variable of the
            matrix stands for several; `nested`, the same of the plugins inside. Of a classifier
            `facts`, what it says of itself; or `models`, with `uses`, `cell` and `facts` of each.
        notes: Caveats of the whole step.
        method, condition: What its methods are where it is compared with others (`restoration`,
            `classifier`, ...), and what that is tested under (`data`, `degradation`, `attack`), by
            the kind; variables of the matrix stand in its cells. Empty where nothing is measured.
        over_seeds: The means over seeds, where its cells differ in them; else empty.
    """

    id: str
    uses: str
    kind: str
    makes: str
    source: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    against: str | None = None
    compared: tuple[str, ...] = ()
    fit_on: str | None = None
    knowledge: str | None = None
    threat: Mapping[str, Any] = field(default_factory=dict)
    budget: str = ""
    links: tuple[Mapping[str, str], ...] = ()
    cells: tuple[CellResult, ...] = ()
    plugin: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    image_role: str = ""
    fit_sources: Mapping[str, str] = field(default_factory=dict)
    by: str | None = None
    method: Mapping[str, str] = field(default_factory=dict)
    condition: Mapping[str, str] = field(default_factory=dict)
    over_seeds: tuple[CellResult, ...] = ()

    @property
    def shown(self) -> tuple[CellResult, ...]:
        """What a reader looks at first: means over seeds, where there are several."""
        return self.over_seeds or self.cells

    @property
    def data(self) -> str | None:
        """The data set that its images come from; None for a definition."""
        return self.path[0] if self.path else None

    @property
    def models(self) -> tuple[tuple[str, CellValues, Mapping[str, Any]], ...]:
        """Each of its classifiers: `kind/name`, in which cells, and what it says of itself."""
        alone = {"uses": self.uses, "cell": {}, "facts": self.plugin.get("facts", {})}
        models = self.plugin.get("models", (alone,))
        return tuple((model["uses"], model["cell"], model["facts"]) for model in models)

    @property
    def upstream(self) -> str | None:
        """The step or data set that it works on; None for a definition."""
        return self.source[0] if self.source else None


@dataclass(frozen=True, slots=True)
class DataSummary:
    """A data set as it was used."""

    id: str
    uses: str
    n: int
    classes: int
    prepare: Mapping[str, Any] = field(default_factory=dict)
    quarantined: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    content: str = ""
    """SHA-256 of ids, labels and bytes."""
    images: str = "clean"
    references: int = 0
    """`images` are `degraded` if the pipeline says so, or if `references` of them have clean ones."""
    target_names: tuple[str, ...] = ()
    """What is to be estimated, where targets are numbers and not classes."""
    cell: CellValues = field(default_factory=dict)
    """Where a variable of the matrix reads it in several versions, the value of this one."""

    @property
    def name(self) -> str:
        """What the file calls it: `photos`, of which `photos[version=v1]` is one version."""
        return self.id.partition("[")[0]


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate and its verdict in the cell that decides (the worst one).

    Attributes:
        text: The gate as written.
        verdict: `pass`, `fail`, `undecided` or `error`.
        why: One sentence.
        line: `file:line` of the gate.
        measure: What it rests on; None for an error.
        cell: Which cell.
        op, limit: The comparison; None for `not_worse_than`.
        needed: About how many samples would settle an undecided gate.
        step: The step or data set it speaks of.
        change: `measure` is a change since an earlier run, not a figure of this run.
        than: What the gate calls that run, `last` the accepted one; empty for a number.
        void: Why the report does not believe the figure it rests on; empty where it does.
    """

    text: str
    verdict: Verdict
    why: str
    line: str = ""
    measure: Measure | None = None
    cell: CellValues = field(default_factory=dict)
    op: str | None = None
    limit: float | None = None
    needed: int | None = None
    step: str = ""
    change: bool = False
    than: str = ""
    void: str = ""


@dataclass(frozen=True, slots=True)
class Caveat:
    """A reason not to believe a number.

    Attributes:
        level: `void` (the claim does not hold), `warning` or `note`.
        text: One sentence with the figure.
        step: Where it belongs, if anywhere.
        cell: The cell of the step; None for all of them.
    """

    level: Literal["void", "warning", "note"]
    text: str
    step: str | None = None
    cell: CellValues | None = None

    @property
    def sentence(self) -> str:
        """The text, after the step's name unless it begins with that."""
        named = self.step is None or self.text.startswith((f"{self.step} ", f"{self.step}:"))
        return self.text if named else f"{self.step}: {self.text}"


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report says.

    Attributes:
        pipeline, seed: Its name and its seed.
        file, text: The pipeline file, relative to the project, and what it holds.
        matrix: The matrix variables with their values as written.
        data, steps: In the file's order.
        gates: Empty if the file has none.
        apart: Whether what fits and what judges share no image: proved, or fitted elsewhere.
        splits: The same for each step that is judged: its split, its fits, and a word for each.
        caveats: Worst first.
        gains, error_gains: What each restoration did to classes, and to numbers, by cell.
        gains_over_seeds, error_gains_over_seeds: The same over seeds; empty where there are none.
        illusions: What knowing a defence takes away, by cell.
        sides: What each variable of the matrix is: `method`, `condition` or `seed`.
        compared: Methods against each other, paired by sample.
        rows, population: Images, and how many samples each of their strata has in all.
        sheets: A few samples through everything, the same ones in every run.
        provenance: None in the DVC-tracked copy.
        set_sizes, estimates: What sets and numbers the steps decided, the first and the last cell of each.
        since: What is new since the last run; None in the first one and in the tracked copy.
    """

    pipeline: str
    file: str
    text: str
    seed: int
    matrix: Mapping[str, tuple[str, ...]]
    data: tuple[DataSummary, ...]
    steps: tuple[StepSummary, ...]
    gates: tuple[GateResult, ...] = ()
    apart: tuple[Apart, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    gains: tuple[Gain, ...] = ()
    error_gains: tuple[ErrorGain, ...] = ()
    illusions: tuple[DefenceGap, ...] = ()
    rows: tuple[ImageRow, ...] = ()
    population: Mapping[str, int] = field(default_factory=dict)
    sides: Mapping[str, Side] = field(default_factory=dict)
    compared: Compared = field(default_factory=Compared)
    provenance: Provenance | None = None
    sheets: tuple[Sheet, ...] = ()
    since: RunDiff | None = None
    gains_over_seeds: tuple[Gain, ...] = ()
    error_gains_over_seeds: tuple[ErrorGain, ...] = ()
    splits: tuple[Split, ...] = ()
    set_sizes: tuple[SetSizes, ...] = ()
    estimates: tuple[Estimates, ...] = ()

    @property
    def shown_gains(self) -> tuple[Gain, ...]:
        """What a reader looks at: gains over seeds, where there are several."""
        return self.gains_over_seeds or self.gains

    @property
    def shown_error_gains(self) -> tuple[ErrorGain, ...]:
        """The same of the errors of regressors."""
        return self.error_gains_over_seeds or self.error_gains

"""The promise of a metric: numbers from stored tables, or a column while images stream."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from adversity.contracts.kind import Kind
from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from torch import Tensor

    from adversity.contracts.table import Table
    from adversity.contracts.values import Measure

__all__ = ["CellMetric", "ImageMetric", "MeasuredCell", "Metric", "MetricBase", "NoReferenceMetric"]


class MetricBase(PluginBase):
    '''What the shapes of metric share. Inherit from one of those.

    `always` metrics are computed wherever their inputs are; others where a pipeline names them:
    under `metrics:`, for every step that has their inputs, or in a step of their own (`uses:`),
    for what its `from:` names.

    Example::

        from typing import ClassVar
        from adversity import Measure, MeasureInfo, Metric, hookimpl

        class MeanConfidence(Metric):
            """The mean of the largest probability."""
            name: ClassVar[str] = "mean_confidence"
            wants: ClassVar[tuple[str, ...]] = ("confidence",)
            produces = {"mean_confidence": MeasureInfo(0.0, 1.0, group="uncertainty")}

            def compute(self, table, reference=None):
                values = table["confidence"]
                return {"mean_confidence": Measure(float(values.mean()), len(values))}

        @hookimpl
        def adversity_metrics():
            return [MeanConfidence]
    '''

    describes: ClassVar[Kind] = Kind(
        name="metric",
        hook="adversity_metrics",
        noun="a metric",
        role="measure",
        makes="measure",
        leaves="measures",
        takes=("data", "images", "adversarial", "predictions", "scores", "measure"),
        keys=("against", "over", "by"),
        order=70,
        stage="adversity.engine.stages.measure_stage:measure_run",
        call="adversity.engine.calls.metric_call:metric_call",
        kit="adversity.testing.kinds.metric",
    )
    always: ClassVar[bool] = False
    produces: ClassVar[Mapping[str, MeasureInfo] | tuple[str, ...]] = ()
    """The measures it can return, each with its range; or their names alone, and then no limit of
    a gate is out of range. An `ImageMetric` stores its column under the first."""

    @classmethod
    def declared(cls) -> dict[str, MeasureInfo]:
        """Return what `produces` says of each measure."""
        named = cls.produces
        if isinstance(named, Mapping):
            return dict(named)
        return {name: MeasureInfo() for name in named}

    @classmethod
    def step_only(cls) -> str:
        """Say why it stands in a step and not under `metrics:`; empty where it may stand there."""
        return ""

    @staticmethod
    def claim_faults(plugin: type[MetricBase]) -> Iterator[str]:
        """Yield what is wrong with a class: what needs a step of its own cannot be `always`."""
        if plugin.always and plugin.step_only():
            yield f"{plugin.step_only()}, so it cannot be computed always; leave always out"
        alone = getattr(plugin, "full_reference", True) is False
        if alone and not issubclass(plugin, NoReferenceMetric):
            yield "expected full_reference = False of a NoReferenceMetric; inherit from that"


class Metric(MetricBase):
    """Numbers from a per-sample table, where it has the columns `wants` and none of `unless`."""

    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "nothing"
    """What `compute` gets as its reference, of the step that `against` names in a pipeline: for
    "samples" a table with the same ids in the same order, for "tables" any other."""
    wants: ClassVar[tuple[str, ...]] = ("target",)
    """The columns without which it is not called."""
    needs_labels: ClassVar[bool] = True
    """It gets no rows whose `target` is no class of the classifier (-1: an unknown class, -2: no
    label), or no number (NaN). False where it says something of such rows: then it looks at `target` itself."""
    unless: ClassVar[tuple[str, ...]] = ()
    """Columns with which it is not called: `start_correct`, if it measures no attack."""

    @classmethod
    def step_only(cls) -> str:
        """Say why it stands in a step: it compares two tables."""
        return "" if cls.compares == "nothing" else "it compares two tables"

    @classmethod
    def takes(cls, table: Table) -> bool:
        """Say whether a table has the columns it needs, and none of the others.

        One that goes by targets alone is about classes: it gets no table of numbers.
        """
        if "target" in cls.wants and table.has("mean") and not cls.judges_numbers():
            return False
        return table.has(*cls.wants) and not any(table.has(name) for name in cls.unless)

    @classmethod
    def judges_numbers(cls) -> bool:
        """Say whether it is about numbers that a regressor gives: it wants `mean` or `variance`."""
        return "mean" in cls.wants or "variance" in cls.wants

    @abstractmethod
    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return named measures.

        Args:
            table: One cell of a step.
            reference: The table it is compared with, as `compares` says; None for `nothing`. It
                has the columns `wants`, too.
        """

    def per_sample(self, table: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the values that measures are the mean of, by the measure's name.

        So two runs are compared pair by pair, for `not_worse_than last`. Override it for measures
        that shall be compared so; one that is no mean (a median, an ECE) cannot be. It is called
        without `setup`. An `ImageMetric` is paired by its column.

        Args:
            table: As `compute` gets it.

        Returns:
            `[N]` booleans, or floats with NaN for a sample that does not count.
        """
        return {}

    def per_pair(self, table: Table, reference: Table) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return the same of a metric that compares `samples`: the values of each pair of rows.

        Args:
            table: As `compute` gets it.
            reference: The same samples, in the same order.

        Returns:
            As `per_sample`.
        """
        return {}


class ImageMetric(MetricBase):
    """A number for each image, stored as the column `produces[0]`; mostly against a clean one."""

    full_reference: ClassVar[bool] = True
    """It compares an image with its clean partner; False in a `NoReferenceMetric`."""
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)
    smallest: ClassVar[int] = 1
    """The smallest height and width it can measure, in pixels, whatever its parameters."""

    def smallest_side(self) -> int:
        """Return the smallest height and width that it can measure with its parameters."""
        return self.smallest

    @abstractmethod
    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        """Return `[N]` float64; both images `[N, C, H, W]` float32 in [0, 1], one shape."""

    @abstractmethod
    def convention(self) -> Mapping[str, object]:
        """Return channels, range, window, crop and the like, as JSON values."""


class NoReferenceMetric(ImageMetric):
    """A number for each image by itself, measured where there is no clean partner, too."""

    full_reference: ClassVar[bool] = False

    @abstractmethod
    def measure(self, images: Tensor) -> Tensor:  # type: ignore[override]  # it gets no reference
        """Return `[N]` float64; the images `[N, C, H, W]` float32 in [0, 1]."""


@dataclass(frozen=True, slots=True)
class MeasuredCell:
    """A cell of a step, as a `CellMetric` sees it.

    Attributes:
        values: Each variable with its value as written: `{"severity": "3", "seed": "0"}`.
        measures: What was measured in it, by name, each with what is known of it (`info`).
        table: Its rows, read on demand; without any where the step keeps none.
    """

    values: Mapping[str, str]
    measures: Mapping[str, Measure]
    table: Table


class CellMetric(MetricBase):
    """Numbers from all cells of a step along the variables that `over:` names.

    A mean over seeds, a sum over severities: what no cell can say alone. Used in a step of its
    own: `{uses: metric/mean_over_cells, from: predictions, over: [seed]}`.
    """

    @classmethod
    def step_only(cls) -> str:
        """Say why it stands in a step: it goes over cells."""
        return "it goes over the cells of a step"

    def needs(self) -> tuple[str, ...]:
        """Return the measures that each cell must have; refused where a step cannot have them."""
        return ()

    def gives(self, known: Mapping[str, MeasureInfo]) -> Mapping[str, MeasureInfo]:
        """Return the measures that `fold` can return with these parameters: what `produces` says.

        Override it where their names or words depend on what is folded.

        Args:
            known: What is known of the measures that cells can have, by name; one of a metric
                that does not declare it is missing.
        """
        return self.declared()

    @abstractmethod
    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        """Return named measures, for the cells that agree in every variable but the folded ones.

        Args:
            cells: In the order of the matrix, one or more.

        Raises:
            InputError: If they have not what it is computed from: a measure that a parameter
                names may be missing in some cell.
        """

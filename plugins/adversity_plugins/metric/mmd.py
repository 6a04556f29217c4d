"""Whether the features of two tables come from one distribution, by a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._feature_tables import two_measures

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["MMD"]


class MMD(Metric):
    """Squared maximum mean discrepancy of the features of two tables, and its p-value.

    `from:` and `against:` name predictions of one classifier that offers features, of any samples.
    A small p-value says that the two do not come from one distribution: a camera changed, or the
    classes are not as frequent. A large one is no proof that they do. Samples of one group are dealt
    as a whole; of a sample or a group in both tables the two sides are swapped, so that images
    before and after a degradation may be compared.
    """

    name = "mmd"
    reference = (
        "A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schölkopf, A. Smola, A kernel two-sample "
        "test, 2012"
    )
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "tables"
    wants = ("features",)
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "mmd": MeasureInfo(-2.0, 2.0, title="squared MMD", group="shift"),
        "mmd_p_value": MeasureInfo(0.0, 1.0, title="p-value of the MMD", group="shift"),
    }

    kernel: Literal["gaussian", "mixture"] = Field(
        "gaussian",
        description="A Gaussian of one width, or the mean of five, of 1/4 to 4 times that width.",
    )
    width: float | None = Field(
        None,
        gt=0,
        description="Of the Gaussian, in the unit of the features; unless given, the median distance "
        "between samples.",
    )
    permutations: int = Field(
        999, ge=19, description="How many ways to deal the samples anew the p-value is counted of."
    )
    most: int = Field(
        2000,
        ge=2,
        description="Samples of each table, in whole groups, that are drawn where it has more; the "
        "convention says how many of how many. Time grows with the square.",
    )
    seed: int = Field(0, ge=0, description="Of the permutations and of what is drawn.")

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the squared discrepancy, unbiased, and its p-value.

        Raises:
            InputError: The features have different widths.
            DataError: A feature is not finite.
        """
        if reference is None:
            return {}
        return two_measures(
            "mmd",
            metrics.mmd,
            (table, reference),
            statistic="mmd",
            most=self.most,
            seed=self.seed,
            kernel=self.kernel,
            width=self.width,
            permutations=self.permutations,
        )

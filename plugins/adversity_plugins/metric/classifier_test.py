"""Whether a classifier tells the features of two tables apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity import MeasureInfo, Metric, metrics
from adversity_plugins.metric._feature_tables import two_measures

if TYPE_CHECKING:
    from adversity import Measure, Table

__all__ = ["ClassifierTest"]


class ClassifierTest(Metric):
    """How often logistic regression tells the features of two tables apart, and its p-value.

    It learns from half of either table and is asked about the other half; 0.5 is chance. `from:` and
    `against:` name predictions of one classifier that offers features, of any samples. A group is
    held out as a whole, and so is a sample or a group that is in both tables.
    """

    name = "classifier_test"
    reference = "D. Lopez-Paz, M. Oquab, Revisiting classifier two-sample tests, 2017"
    compares: ClassVar[Literal["nothing", "samples", "tables"]] = "tables"
    wants = ("features",)
    needs_labels = False
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "classifier_test_accuracy": MeasureInfo(
            0.0, 1.0, title="accuracy of the classifier test", scale="share", group="shift"
        ),
        "classifier_test_p_value": MeasureInfo(
            0.0, 1.0, title="p-value of the classifier test", group="shift"
        ),
    }

    penalty: float = Field(
        1.0,
        gt=0,
        description="What half the sum of squared weights, of standardised features, counts beside "
        "the sum of log losses.",
    )
    permutations: int = Field(
        999,
        ge=19,
        description="How many ways to deal the held-out samples anew the p-value is counted of.",
    )
    most: int = Field(
        5000,
        ge=2,
        description="Samples of each table, in whole groups, that are drawn where it has more; the "
        "convention says how many of how many.",
    )
    seed: int = Field(0, ge=0, description="Of the halves, the permutations and of what is drawn.")

    def compute(self, table: Table, reference: Table | None = None) -> Mapping[str, Measure]:
        """Return the accuracy on the held-out half, and the p-value.

        Raises:
            InputError: The features have different widths.
            DataError: A feature is not finite, or a table has one group alone.
        """
        if reference is None:
            return {}
        return two_measures(
            "classifier_test",
            metrics.classifier_test,
            (table, reference),
            statistic="classifier_test_accuracy",
            most=self.most,
            seed=self.seed,
            penalty=self.penalty,
            permutations=self.permutations,
        )

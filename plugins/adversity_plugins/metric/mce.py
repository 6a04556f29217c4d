"""Mean corruption error: errors under ImageNet-C's corruptions, in AlexNet's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from adversity import CellMetric, Measure, MeasureInfo, Plot
from adversity.errors import InputError
from adversity_plugins.metric._alexnet import ALEXNET, ALEXNET_CLEAN

if TYPE_CHECKING:
    from adversity import MeasuredCell

__all__ = ["MCE"]

_SEVERITIES = ("1", "2", "3", "4", "5")


class MCE(CellMetric):
    """Mean corruption error of ImageNet-C, in percent: AlexNet has 100, less is better.

    The corruption error of one corruption is the sum of the network's errors over the five
    severities by the sum of AlexNet's; mCE is the mean over the 15 corruptions. AlexNet's errors
    were measured on the published files, JPEGs of quality 85 of 50 000 images: computed on other
    images, or on other corruptions of that name, it is no entry of the published table. The
    plain mean of errors is `mean_over_cells`.

    The four extra corruptions have no place in it; their cells are left out, and named. Anything
    less than 15 corruptions at 5 severities is refused: it would be another number.

    Reference: Hendrycks and Dietterich, "Benchmarking neural network robustness to common
    corruptions and perturbations", 2019 (section 3.2: CE, mCE, relative mCE).
    """

    name = "mce"
    reference: ClassVar[str] = (
        "Hendrycks and Dietterich, Benchmarking neural network robustness to common "
        "corruptions and perturbations, 2019"
    )
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "mce": MeasureInfo(
            low=0.0, title="mCE", unit="%", better="lower", group="corruptions", headline=7
        ),
        "relative_mce": MeasureInfo(
            title="relative mCE", unit="%", better="lower", group="corruptions"
        ),
    }
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"clean_accuracy": 0.76})

    expected_failures: ClassVar[Mapping[str, str]] = {
        "answers": "it is defined for 15 corruptions at 5 severities; the kit's cells are seeds",
        "one_cell": "it is defined for 15 corruptions at 5 severities, not for one cell",
    }

    corruption: str = Field(
        "corruption", min_length=1, description="the variable that names the corruption"
    )
    severity: str = Field(
        "severity", min_length=1, description="the variable of the severity, 1 to 5"
    )
    clean_accuracy: float | None = Field(
        None,
        ge=0,
        le=1,
        description="accuracy of the same network on the clean images; with it comes the relative "
        "mCE, of the errors that the corruptions add",
    )

    def needs(self) -> tuple[str, ...]:
        """Return the accuracy."""
        return ("accuracy",)

    def gives(self, known: Mapping[str, MeasureInfo]) -> Mapping[str, MeasureInfo]:
        """Return mCE, and the relative one where the clean accuracy is given."""
        declared = self.declared()
        return declared if self.clean_accuracy is not None else {"mce": declared["mce"]}

    def fold(self, cells: Sequence[MeasuredCell]) -> Mapping[str, Measure]:
        """Return `mce` and, with the clean accuracy, `relative_mce`.

        Raises:
            InputError: A corruption or severity is missing, is there twice, or has no accuracy.
        """
        errors, others = self._errors(cells)
        said = {
            "over": "15 corruptions, 5 severities",
            "in": "AlexNet's errors on the published ImageNet-C (hendrycks/robustness, issue 10)",
            **({"left out": ", ".join(others)} if others else {}),
        }
        shares = {name: 100 * sum(errors[name]) / sum(alexnet) for name, alexnet in ALEXNET.items()}
        found = {"mce": self._mean("mce", shares, said)}
        if self.clean_accuracy is not None:
            clean = 1 - self.clean_accuracy
            added = {
                name: 100 * (sum(errors[name]) - 5 * clean) / (sum(alexnet) - 5 * ALEXNET_CLEAN)
                for name, alexnet in ALEXNET.items()
            }
            more = {**said, "clean error": clean, "AlexNet's clean error": ALEXNET_CLEAN}
            found["relative_mce"] = self._mean("relative_mce", added, more)
        return found

    def _mean(self, name: str, shares: Mapping[str, float], said: Mapping[str, Any]) -> Measure:
        """Return the mean over corruptions, with a bar for each."""
        info = self.produces[name]
        plot = Plot("bars", list(shares), list(shares.values()), "corruption", f"{info.title} in %")
        return Measure(
            sum(shares.values()) / len(shares),
            5 * len(shares),
            convention=dict(said),
            unit=info.unit,
            better=info.better,
            details={"plot": plot.as_json()},
            info=info,
        )

    def _errors(self, cells: Sequence[MeasuredCell]) -> tuple[dict[str, list[float]], list[str]]:
        """Return the errors of each corruption by severity, and the corruptions left out."""
        _expect_accuracy(cells)
        found: dict[tuple[str, str], float] = {}
        for cell in cells:
            at = self._value(cell, self.corruption), self._value(cell, self.severity)
            if at in found:
                raise InputError(
                    f"mce: expected one cell for each corruption and severity, got several for "
                    f"{at[0]} at {at[1]}; fold the other variables by steps of their own"
                )
            found[at] = 1 - cell.measures["accuracy"].value
        missing = [
            f"{name} at {severity}"
            for name in ALEXNET
            for severity in _SEVERITIES
            if (name, severity) not in found
        ]
        if missing:
            raise InputError(
                f"mce: expected the 15 corruptions of ImageNet-C at severities 1 to 5, "
                f"{len(missing)} of 75 cells are missing, {missing[0]} the first; add them, or use "
                "mean_over_cells for the plain mean of what there is"
            )
        others = sorted({name for name, _ in found} - ALEXNET.keys())
        errors = {name: [found[name, one] for one in _SEVERITIES] for name in ALEXNET}
        return errors, others

    def _value(self, cell: MeasuredCell, variable: str) -> str:
        """Return the cell's value of a variable; a plugin's without its kind.

        Raises:
            InputError: The cell has no such variable.
        """
        if variable not in cell.values:
            raise InputError(
                f"mce: expected cells of a variable {variable}, they have "
                f"{', '.join(cell.values)}; name yours, as `with: {{corruption: NAME}}`, and "
                "fold it by `over:`"
            )
        return cell.values[variable].rpartition("/")[2]


def _expect_accuracy(cells: Sequence[MeasuredCell]) -> None:
    """Refuse cells without accuracy.

    Raises:
        InputError: With the first one.
    """
    for cell in cells:
        if "accuracy" not in cell.measures:
            where = ", ".join(f"{name}={value}" for name, value in cell.values.items())
            raise InputError(
                f"mce: expected accuracy in each of {len(cells)} cells; the cell {where} has "
                f"{', '.join(cell.measures) or 'no measure'}; measure accuracy in it"
            )

"""What refusing the least sure answers is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from adversity import MeasureInfo, metrics
from adversity_plugins.metric._refusing import Refusing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adversity import Measure

__all__ = ["Selective"]


class Selective(Refusing):
    """Area under risk against coverage: errors that are left where the least sure are refused.

    `aurc` averages the error rate among accepted answers over all coverages, `augrc` the share of
    all answers that are accepted and wrong. Equal scores stand in no order.
    """

    name = "selective"
    reference = (
        "Y. Geifman, G. Uziel, R. El-Yaniv, Bias-reduced uncertainty estimation for deep neural "
        "classifiers, 2019; J. Traub et al., Overcoming common flaws in the evaluation of selective "
        "classification systems, 2024"
    )
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "aurc": MeasureInfo(
            0.0, 1.0, title="AURC", better="lower", group="uncertainty", headline=1
        ),
        "augrc": MeasureInfo(0.0, 1.0, title="AUGRC", better="lower", group="uncertainty"),
    }

    def _functions(self) -> Mapping[str, Callable[..., Measure]]:
        return {"aurc": metrics.aurc, "augrc": metrics.augrc}

"""The fit of test-time adaptation: layer by layer, then step by step; kept on the way."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from adversity_plugins.classifier.network._adaptation import Adapted
from adversity_plugins.classifier.network._entropy_steps import Descent

if TYPE_CHECKING:
    from adversity import FitData, State
    from adversity_plugins.classifier.network.batch_norm_adaptation import BatchNormAdaptation

__all__ = ["adapt"]


def adapt(given: BatchNormAdaptation, data: FitData) -> State:
    """Return the state of `batch_norm_adaptation`."""
    adapted, kept = Adapted(given.network), data.watch.resume()
    layers = adapted.order(data)
    done, rows, length, said = 0, 0, given.step_size, 0.0
    if kept is not None:
        adapted.take(kept)
        done, rows = int(kept.info["layers"]), int(kept.info["rows"])
        length, said = float(kept.info["length"]), float(kept.info["entropy"])

    def save() -> None:
        info = {"layers": done, "rows": rows, "length": length, "entropy": said}
        data.watch.save(partial(adapted.state, **info))

    while done < len(layers):
        adapted.estimate(layers[done], data, given.prior)
        done += 1
        save()
    goes_down = 0 < given.entropy_steps >= rows
    descent = Descent(adapted, data, length) if goes_down else None
    while rows <= given.entropy_steps:
        if rows and descent is not None:  # row 1 of the history is before the first step
            descent.step()
            length = descent.length
        said = adapted.mean_entropy(data) if descent is None else descent.entropy
        rows += 1
        data.watch.row(rows, entropy=said)
        save()
    return adapted.state(n=len(data), layers=done, steps=given.entropy_steps, entropy=said)

"""`exact` keeps what the conformance kit checks, on the kit's victim that is laid open."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from adversity.testing import check_plugin
from adversity.testing.kinds.attack.victims import KitTarget, LaidOpen, network
from adversity_plugins.attack.exact.exact import Exact


def _outcomes(plugin: type[Exact], norm: str, **which: Any) -> dict[str, Any]:
    found = check_plugin(plugin, parameters={"norm": norm}, raises=False, **which)
    return {outcome.check: outcome for outcome in found.outcomes}


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_the_kit_passes(norm: str) -> None:
    """Every check that applies holds: rows, order, copies, wrong labels, nearness.

    In linf the kit's own run on built-ins tries it.
    """
    outcomes = _outcomes(Exact, norm)
    failed = [str(one.message) for one in outcomes.values() if one.status == "failed"]
    assert not failed, failed
    for check in ("answers", "alone", "order", "duplicates", "nearest", "pickles"):
        assert outcomes[check].status == "passed", check
    assert Exact.expected_failures == {}


class Astray(Exact):
    """The twin: it comes back with images that are further away than they need be."""

    name: ClassVar[str] = "astray"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        found = super().perturb(target, images, labels, rng)
        further = (images + 1.5 * (found.images - images)).clamp(0, 1)
        return type(found)(further, found.parameters)


def test_a_twin_that_goes_too_far_is_found_out() -> None:
    """A failure half as far again is no nearest one."""
    assert _outcomes(Astray, "l2", only=["nearest"])["nearest"].status == "failed"


def test_only_the_open_victim_has_a_structure() -> None:
    """Its weights give its own logits; a network has none to show."""
    images = torch.rand(3, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    victim = KitTarget(LaidOpen(25), ("a", "b", "c"))
    shown: Any = victim.structure()
    scores = images.double().flatten(1).numpy() @ shown.weights.T + shown.bias
    # Logits are float32, of about 10.
    np.testing.assert_allclose(victim.logits(images).numpy(), scores, atol=1e-5)
    assert KitTarget(network(1), ("a",)).structure() is None

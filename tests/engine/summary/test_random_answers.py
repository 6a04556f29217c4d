"""Answers that are others when a victim is queried again, declared and not."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from adversity.seeding import preserve_global_rng

PGD = "  pgd: {uses: attack/pgd, from: test, against: answers, with: {eps: $eps, steps: 4}}\n"


@pytest.mark.parametrize("seeded", [0, 1])
def test_noise_that_nobody_declared_is_flagged(finish: Any, seeded: int) -> None:
    """Other probabilities at the second query count where no link says that it is random.

    They are other ones whatever seed the process was given, the pipeline's (0) or the next.
    """
    gates = ["pgd[eps=12/255].random_output_share <= 0.05"]
    with preserve_global_rng():
        torch.manual_seed(seeded)
        done = finish("unsteady", PGD, gates=gates)
    found = done.value("random_output_share", cell=1)
    assert found is not None
    assert found > 0.9
    assert set(done.verdicts.values()) == {"fail"}
    assert any("queried again" in c.text for c in done.said)


@pytest.mark.parametrize(
    ("severity", "flagged"), [(1, False), pytest.param(5, True, marks=pytest.mark.slow)]
)
def test_declared_noise_counts_where_it_changes_the_class(
    finish: Any, severity: int, flagged: bool
) -> None:
    """What attacks average over voids nothing until it changes answers; two runs agree."""
    noise = f"{{uses: degradation/gaussian_noise, from: test, with: {{severity: {severity}}}}}"
    done, *again = (
        finish("bright", f"  noisy: {noise}\n" + PGD, seen="noisy") for _ in range(1 + flagged)
    )
    found = done.value("random_output_share", cell=1)
    assert [run.value("random_output_share", cell=1) for run in again] == [found] * flagged
    assert found is not None
    assert (found >= 0.05) is flagged
    assert any("queried again" in c.text for c in done.said) is flagged

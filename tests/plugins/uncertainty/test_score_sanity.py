"""Each score tells what is far from what is known, and not what is alike; and needs little memory."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from adversity import Fitted, Predictive, Score
from adversity.metrics import auroc
from adversity_plugins.uncertainty import adversity_uncertainties

CLASSES, ROWS, MEMBERS = 5, 5000, 5
SCORES = {
    cls.name: cls()
    for cls in adversity_uncertainties()
    if issubclass(cls, Score) and not issubclass(cls, Fitted)
}
"""Those that are fitted are tried so where they are tested."""


def answers(seed: int, *, known: bool = True) -> Predictive:
    """Draw what a linear layer and five members say of Gaussians: of no class, or far in one."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(ROWS, CLASSES))
    logits[np.arange(ROWS), np.arange(ROWS) % CLASSES] += 9.0 * known
    own = torch.from_numpy(logits + rng.normal(size=(MEMBERS, ROWS, CLASSES)))
    first = torch.from_numpy(logits)
    return Predictive(first.softmax(1), first, members=own.softmax(2))


def told(score: Any, other: Predictive) -> float:
    """Return the AUROC between the known and others."""
    return auroc(score(answers(0)).numpy(), score(other).numpy()).value


@pytest.mark.parametrize("name", sorted(SCORES))
def test_what_is_far_is_told_and_what_is_alike_is_not(name: str) -> None:
    """AUROC above .95 where they are apart, .5 within .03 where not: 5 000 rows are 5 sigma."""
    score = SCORES[name].score
    assert told(score, answers(1, known=False)) > 0.95
    assert abs(told(score, answers(2)) - 0.5) < 0.03


def test_wrong_variants_fail() -> None:
    """Energy of log p, a score of members who all say their mean, and a score of the wrong sign."""
    energy, information = SCORES["energy"].score, SCORES["mutual_information"].score

    def of_log_p(given: Predictive) -> torch.Tensor:
        return energy(Predictive(logits=given.probs.log())).round(decimals=9)

    def of_the_mean(given: Predictive) -> torch.Tensor:
        said = given.members.mean(0, keepdim=True).expand_as(given.members)
        return information(Predictive(members=said)).round(decimals=9)

    for wrong in (of_log_p, of_the_mean, lambda given: -energy(given)):
        assert told(wrong, answers(1, known=False)) < 0.95


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of the memory from /proc")
@pytest.mark.parametrize("name", ["entropy", "max_softmax", "margin", "max_logit", "energy"])
def test_many_rows_of_a_thousand_classes(name: str) -> None:
    """Less than 1.2 GiB with torch's 0.7: a copy of the table in float64 alone takes 0.7, too."""
    code = f"""
import torch
from adversity import Predictive
from adversity_plugins.uncertainty.score.{name} import __all__ as names
import adversity_plugins.uncertainty.score.{name} as module
torch.set_num_threads(1)
rows = torch.linspace(0, 9, 1000)[None]
given = {{"logits": rows.expand(100_000, -1)}}
if {name!r} not in ("max_logit", "energy"):
    given = {{"probs": rows.softmax(1).expand(100_000, -1)}}
scores = getattr(module, names[0])().score(Predictive(**given))
assert scores.shape == (100_000,) and bool((scores == scores[0]).all())
print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1.2 * 2**20  # KiB

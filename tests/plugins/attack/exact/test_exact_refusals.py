"""What `exact` refuses, in words that say what to use instead."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import adversity
from adversity.contracts.structure import Linear
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.errors import InputError
from adversity_plugins.attack.exact.exact import Exact


def attack(**parameters: Any) -> AttackCall:
    return AttackCall(Ready(Exact(**parameters), 'attack "exact" (test)'))


@pytest.fixture(scope="module")
def rows() -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.rand(30, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    return images, (images.mean((1, 2, 3)) > 0.5).long()


def fitted(name: str, rows: Any, **parameters: Any) -> Any:
    """Fit on other images than the rows: those turned on their head, darker."""
    images = 0.9 * rows[0].flip(2)
    return adversity.create("classifier", name, **parameters).fit(images, rows[1])


def test_networks(rows: Any) -> None:
    """A network has no structure; the message names attacks with and without a gradient."""
    victim = fitted("small_cnn", rows, epochs=1, width=2)
    with pytest.raises(InputError, match=r"laid open.*`auto_attack` or `fmn`.*`hop_skip_jump`"):
        attack()(adversity.target(victim), rows[0], victim(rows[0]).argmax(1))


def test_the_kernel_machine(rows: Any) -> None:
    """The RBF machine has a gradient and no structure."""
    with pytest.raises(InputError, match="laid open"):
        attack()(adversity.target(fitted("rbf_svm", rows)), *rows)


def test_several_neighbours(rows: Any) -> None:
    """More than one neighbour is refused."""
    victim = fitted("nearest_neighbours", rows, neighbours=3)
    with pytest.raises(InputError, match=r"in which 3 vote: use 'hop_skip_jump'"):
        attack()(adversity.target(victim), *rows)


def test_a_chain(rows: Any) -> None:
    """A restoration in front changes what the classifier sees, so that nothing exact is known."""
    chain = adversity.target(
        adversity.create("restoration", "gamma_correction"), fitted("linear_svm", rows)
    )
    with pytest.raises(InputError, match="without a restoration or calibration around it"):
        attack()(chain, *rows)


@pytest.mark.parametrize("name", ["logistic_regression", "nearest_neighbours"])
def test_images_of_another_size(rows: Any, name: str) -> None:
    """The classifier resizes them, which its structure does not tell."""
    larger = torch.rand(2, 1, 6, 5, generator=torch.Generator().manual_seed(0))
    victim = fitted(name, rows)
    with pytest.raises(InputError, match=r"fitted on, 16 values, got 30 \(1 x 6 x 5\)"):
        attack()(adversity.target(victim), larger, victim(larger).argmax(1))


def test_twin_whose_structure_lies(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A structure that answers otherwise than its classifier is refused, with the count."""
    victim = fitted("logistic_regression", rows)
    true = victim.ready.plugin.structure()
    monkeypatch.setattr(
        type(victim.ready.plugin), "structure", lambda self: Linear(-true.weights, -true.bias)
    )
    with pytest.raises(InputError, match=r"they differ for \d+ of \d+ images"):
        attack()(adversity.target(victim), *rows)


def test_images_turned_on_their_side(rows: Any) -> None:
    """As many values in another shape are resized too; the answers show it, or they agree."""
    images = torch.rand(30, 1, 8, 2, generator=torch.Generator().manual_seed(2))
    victim = fitted("decision_tree", rows)
    labels = victim(images).argmax(1)
    with pytest.raises(InputError, match="answers as its structure says"):
        attack()(adversity.target(victim), images, labels)

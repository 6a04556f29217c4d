"""What an attack says that it costs at most is what the core counts, or more."""

from __future__ import annotations

import pytest
import torch

import adversity
from adversity.contracts import AttackInRounds
from adversity.registry import discover
from adversity.registry.entry import class_of

FOUND = [
    ("fgsm", {"eps": 0.1}),
    ("random_noise", {"eps": 0.1}),
    ("random_noise", {"eps": 0.1, "draws": 4}),
    ("pgd", {"eps": 0.1, "steps": 3}),
    ("pgd", {"eps": 0.1, "steps": 3, "restarts": 2, "early_stop": True}),
    ("pgd", {"eps": 0.5, "steps": 3, "restarts": 3, "norm": "l2", "targeted": True}),
    ("apgd", {"eps": 0.1, "steps": 4}),
    ("apgd", {"eps": 0.1, "steps": 4, "restarts": 2, "targets": 2}),
    ("apgd", {"eps": 2.5, "norm": "l1", "steps": 7, "restarts": 2}),
    ("apgd", {"eps": 2.5, "norm": "l1", "steps": 1}),
    ("square", {"eps": 0.1, "queries": 30, "restarts": 2}),
    ("square", {"eps": 0.5, "norm": "l2", "queries": 30}),
    ("nes", {"eps": 0.1, "queries": 310}),
    ("boundary", {"queries": 60}),
    ("hop_skip_jump", {"queries": 60}),
    ("ddn", {"steps": 5}),
    ("deepfool", {"steps": 3, "candidates": 2, "tangents": 2}),
    ("deepfool", {"steps": 3, "norm": "linf"}),
    ("fmn", {"steps": 4}),
    ("fmn", {"steps": 4, "start": "image", "norm": "l1"}),
    ("carlini_wagner", {"steps": 20, "search_steps": 3, "tangents": 1}),
    ("carlini_wagner", {"steps": 2, "search_steps": 2, "norm": "linf"}),
    ("fab", {"eps": 0.1, "steps": 4, "restarts": 2, "targets": 1}),
    ("fab", {"eps": 0.1, "steps": 4, "targets": 2, "early_stop": False}),
    ("spatial", {"method": "grid", "angles": 3, "shifts": 2, "early_stop": False}),
    ("spatial", {"method": "random", "draws": 3}),
    ("spatial", {"method": "first_order", "draws": 2, "steps": 3}),
    ("auto_attack", {"eps": 0.05}),
    ("cascade", {"eps": 0.05}),
]
"""Attacks with parameters; the sums of the rounds are counted in thousands, on few samples."""
EXACT = {"fgsm", "pgd", "square", "spatial", "random_noise"}
"""What is counted exactly where nothing falls, without `early_stop`."""
SILENT = {"exact", "feature_space", "natural_variation"}
"""Say nothing: it depends on the victim, or on plugins in their parameters."""


class Linear(torch.nn.Module):
    """Logits linear in the images; `lead` more for one class, so that some never fall."""

    def __init__(self, lead: float) -> None:
        super().__init__()
        weights = torch.randn(3, 48, generator=torch.Generator().manual_seed(3))
        self.weights, self.lead = weights, torch.tensor([lead, 0.0, 0.0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.weights.T + self.lead


def spent(name, given, lead, count=3):
    """Return the attack, and the most queries and gradients that a sample cost."""
    images = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    net = Linear(lead)
    victim = adversity.target(net)
    attack = adversity.create("attack", name, **given)
    result = attack(victim, images, net(images).argmax(1))
    plugin = class_of(discover().get("attack", name))(**given)
    return plugin, int(result.queries.max()), int(result.gradients.max())


@pytest.mark.parametrize(("name", "given"), FOUND, ids=lambda value: str(value))
def test_nothing_costs_more_than_it_says(name, given):
    """A victim that never falls and one that falls soon: the core's counts are within.

    Where nothing can be saved it is reached to the last query: a bound that is far off would
    bound everything.
    """
    far = name in ("auto_attack", "cascade")
    for lead in (0.0,) if far else (1e4, 0.0):
        plugin, queries, gradients = spent(name, given, lead, count=1 if far else 3)
        most = plugin.costs_at_most
        assert queries <= most[0]
        assert gradients <= most[1]
        if lead and name in EXACT and not given.get("targeted"):
            assert (queries, gradients) == most


def test_every_builtin_says_it_or_is_known_to_be_silent():
    """No built-in attack is left out above."""
    entries = [one for one in discover().entries("attack") if one.distribution == "adversity"]
    named = {name for name, _ in FOUND}
    assert {entry.name for entry in entries} == named | SILENT
    for entry in entries:
        assert (
            "costs_at_most" in vars(class_of(entry))
            or issubclass(class_of(entry), AttackInRounds)
            or entry.name in SILENT
        )

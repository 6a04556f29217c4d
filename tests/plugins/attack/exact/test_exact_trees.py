"""`exact` on trees, forests and boosting against every cell that their thresholds cut."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

import adversity
from adversity.contracts.threat import distances
from adversity.engine.calls.ready import Ready
from adversity.engine.public.attack_call import AttackCall
from adversity.errors import InputError
from adversity.seeding import fit_generator
from adversity_plugins.attack.exact import _boxes as boxes
from adversity_plugins.attack.exact import _search as search
from adversity_plugins.attack.exact._trees import TreesSolver
from adversity_plugins.attack.exact.exact import Exact

NORMS = ("linf", "l2", "l1")
MODELS = {
    "tree": ("decision_tree", {}),
    "shallow tree": ("decision_tree", {"max_depth": 2}),
    "forest": ("random_forest", {"trees": 3, "max_depth": 3}),
    "boosting": ("gradient_boosting", {"rounds": 2, "max_depth": 2}),
}


def exact(**parameters: Any) -> AttackCall:
    return AttackCall(Ready(Exact(**parameters), 'attack "exact" (test)'))


def toy(side: tuple[int, int], classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise in which the class depends on where the values lie: many small cells."""
    draw = np.random.default_rng(seed)
    images = draw.random((90, 1, *side), dtype=np.float32)
    images[:20] = images[:20].round(1)
    waves = np.sin(7 * images).sum((1, 2, 3)) + 0.2 * draw.normal(size=90)
    labels = np.digitize(waves, np.quantile(waves, np.arange(1, classes) / classes))
    return torch.from_numpy(images), torch.from_numpy(labels)


def cells(structure: Any, image: np.ndarray) -> np.ndarray:
    """Return, for every cell of all thresholds together, its point nearest to an image."""
    spans = []
    for feature, at in enumerate(image):
        cuts = sorted(
            {
                float(t)
                for tree in structure.trees
                for f, t in zip(tree.feature, tree.threshold, strict=True)
                if f == feature
            }
        )
        # The largest float32 that is not above a cut, and the next one.
        tops = [np.float32(cut) for cut in cuts]
        tops = [
            np.nextafter(t, np.float32(-1)) if float(t) > c else t
            for t, c in zip(tops, cuts, strict=True)
        ]
        lows = [np.float32(0), *(np.nextafter(t, np.float32(2)) for t in tops)]
        highs = [*tops, np.float32(1)]
        spans.append([min(max(at, a), b) for a, b in zip(lows, highs, strict=True) if a <= b])
    return np.array(list(itertools.product(*spans)), dtype=np.float32)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("side", "classes"), [((1, 2), 2), ((1, 2), 3), ((1, 3), 4)])
def test_nearest_of_all_cells(norm: str, model: str, side: tuple[int, int], classes: int) -> None:
    """The distance is that of the nearest cell with another answer, by brute force, exactly.

    The points are the same float32 values, so that the distances agree to rounding: 1e-9.
    """
    name, parameters = MODELS[model]
    victim = adversity.create("classifier", name, **parameters).fit(
        *toy(side, classes, seed=classes)
    )
    some = toy(side, classes, seed=classes + 100)[0][:12]
    own = victim(some).argmax(1)
    found = exact(norm=norm)(adversity.target(victim), some, own)
    structure = victim.ready.plugin.structure()
    for row in range(12):
        points = torch.from_numpy(cells(structure, some[row].flatten().numpy()))
        points = points.view(-1, 1, *side)
        other = victim(points).argmax(1) != own[row]
        far = distances(points[other], some[row : row + 1], norm)
        assert bool(found.success[row])
        assert float(found.norms[row]) == pytest.approx(float(far.min()), abs=1e-9)


@pytest.fixture(scope="module")
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    images = torch.tensor(found.images / 16, dtype=torch.float32)[:, None]
    return images, torch.from_numpy(found.target)


@pytest.fixture(scope="module")
def forest(digits: Any) -> Any:
    images, labels = digits
    make = adversity.create("classifier", "random_forest", trees=6, max_depth=4)
    return make.fit(images[:1255], labels[:1255])


def test_scikit_learn_itself_falls(digits: Any, forest: Any) -> None:
    """`predict` of the same forest flips at every returned image, in few queries."""
    images, labels = digits
    seed = int(fit_generator(0, "fit", 0).integers(2**31))
    model = RandomForestClassifier(6, max_depth=4, random_state=seed)
    model.fit(images[:1255].flatten(1).numpy(), labels[:1255].numpy())
    some, wanted = images[1255:1271], labels[1255:1271]
    found = exact(norm="l2")(adversity.target(forest), some, wanted)
    right = found.start == wanted
    assert int(right.sum()) >= 10
    assert torch.equal(found.success, right)
    ends = found.images[right].flatten(1).numpy()
    assert (model.predict(ends) != wanted[right].numpy()).all()
    assert int(found.queries.max()) == 2


def test_no_random_point_comes_nearer(digits: Any, forest: Any) -> None:
    """Of 500 random points at 0.999 of the linf distance, corners and inside, none fools it."""
    images, labels = digits[0][1255:1263], digits[1][1255:1263]
    found = exact()(adversity.target(forest), images, labels)
    draw = torch.Generator().manual_seed(0)
    for row in found.success.nonzero().flatten().tolist():
        way = 2 * torch.rand(500, 1, 8, 8, generator=draw) - 1
        way[:250] = way[:250].sign()
        near = (images[row] + 0.999 * float(found.norms[row]) * way).clamp(0, 1)
        assert bool((forest(near).argmax(1) == labels[row]).all())


@pytest.mark.parametrize("norm", NORMS)
def test_a_sample_is_attacked_alike_alone_and_among_others(
    digits: Any, forest: Any, norm: str
) -> None:
    """Alone and backwards it gets the same bytes."""
    images, labels = digits[0][1255:1261], digits[1][1255:1261]
    target, attack = adversity.target(forest), exact(norm=norm)
    whole = attack(target, images, labels).images
    assert torch.equal(attack(target, images.flip(0), labels.flip(0)).images.flip(0), whole)
    for k in range(6):
        assert torch.equal(attack(target, images[k : k + 1], labels[k : k + 1]).images[0], whole[k])


def test_where_boxes_do_not_suffice_it_is_said(digits: Any, forest: Any) -> None:
    """With five boxes it is an error; kept, it is a failure, a lower bound, and not proved."""
    images, labels = digits[0][1255:1263], digits[1][1255:1263]
    target = adversity.target(forest)
    with pytest.raises(
        InputError, match=r"max_nodes=5 boxes .* of \d of \d samples.*unproved: keep"
    ):
        exact(max_nodes=5)(target, images, labels)
    true = exact()(target, images, labels)
    kept = exact(max_nodes=5, unproved="keep")(target, images, labels)
    assert torch.equal(kept.success, true.success)
    assert bool((kept.norms >= true.norms - 1e-9).all())
    bound = target.bind([str(k) for k in range(8)]).granted("structure")
    said = Exact(max_nodes=5, unproved="keep").perturb(bound, images, labels, None)
    proved, lower = said.parameters["proved"], said.parameters["lower_bound"]
    assert int((proved == 0).sum()) > 0
    assert bool((lower <= true.norms + 1e-9).all())
    sure = proved == 1
    assert torch.equal(kept.norms[sure], true.norms[sure])


@pytest.mark.parametrize("norm", NORMS)
def test_nothing_beyond_eps_is_looked_for(digits: Any, forest: Any, norm: str) -> None:
    """With eps the nearer samples get failures as near; the further ones are proved safe."""
    images, labels = digits[0][1255:1265], digits[1][1255:1265]
    target = adversity.target(forest)
    free = exact(norm=norm)(target, images, labels)
    eps = float(free.norms[free.success].median()) + 1e-6
    cut = exact(norm=norm, eps=eps)(target, images, labels)
    near = free.success & (free.norms <= eps)
    assert 0 < int(near.sum()) < int(free.success.sum())
    assert torch.equal(cut.success, near)
    assert torch.allclose(cut.norms[near], free.norms[near], atol=1e-9, rtol=0)
    assert torch.equal(cut.images[~near], images[~near])


@pytest.mark.parametrize("norm", NORMS)
def test_a_victim_that_cannot_fall(norm: str) -> None:
    """Where every leaf gives one class there is no failure: the search ends, nothing moves."""
    images = torch.rand(4, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    images = torch.cat([images, images])
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1])
    victim = adversity.create("classifier", "decision_tree", min_samples_leaf=4)
    victim = victim.fit(images, labels)
    assert bool((victim(images).argmax(1) == 0).all())
    others = 1 - images
    found = exact(norm=norm)(adversity.target(victim), others, torch.zeros(8, dtype=torch.int64))
    assert not bool(found.success.any())
    assert torch.equal(found.images, others)


def test_twin_with_rounded_thresholds_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that takes `x < threshold` and float32 thresholds proposes points that do not fall."""
    draw = np.random.default_rng(3)
    images = torch.from_numpy(draw.random((60, 1, 1, 2), dtype=np.float32))
    labels = (images.sum((1, 2, 3)) > 1).long()
    victim = adversity.create("classifier", "decision_tree").fit(images, labels)
    target = adversity.target(victim)
    images = 1 - images
    labels = victim(images).argmax(1)
    assert bool(exact()(target, images, labels).success.all())

    class Rounded(boxes.Boxed):
        def __init__(self, tree: Any) -> None:
            super().__init__(tree)
            plain = tree.threshold.astype(np.float32).astype(np.float64).tolist()
            self._below = self._above = plain

    monkeypatch.setattr(boxes, "Boxed", Rounded)
    monkeypatch.setattr(search, "_agree", lambda *given: None)
    assert not bool(exact()(target, images, labels).success.all())


def test_twin_that_takes_the_first_leaf_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that returns the greedy failure is further away than brute force allows."""
    victim = adversity.create("classifier", "random_forest", trees=3).fit(*toy((1, 3), 3, seed=1))
    images, labels = (rows[20:] for rows in toy((1, 3), 3, seed=2))  # none of rounded values
    target = adversity.target(victim)
    true = exact(norm="l1")(target, images[:20], labels[:20])
    monkeypatch.setattr(TreesSolver, "_children", lambda *given: [])
    twin = exact(norm="l1")(target, images[:20], labels[:20])
    assert float((twin.norms - true.norms).max()) > 0.01

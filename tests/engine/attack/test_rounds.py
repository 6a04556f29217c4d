"""Attacks in rounds: who gets what, which image is kept, what is counted, when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

import adversity
from adversity import Attack, AttackInRounds, Norm
from adversity.engine.attack.attacking import attack
from adversity.engine.attack.rounds import rounds_of
from adversity.engine.calls.ready import Ready
from adversity.engine.chain.target import ChainTarget
from adversity.engine.public.attack_call import AttackCall
from adversity.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

EPS = 1.0
SEEN: list[tuple[str, tuple[str, ...]]] = []


class Write(Attack):
    """Write a number into the first value of each image, after some queries."""

    name: ClassVar[str] = "write"
    norm: Norm = "linf"
    eps: float = EPS
    value: float = 0.5
    asks: int = 1
    only: tuple[str, ...] | None = None
    other: float = 0.0

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        SEEN.append((f"{self.value}", rng.ids))
        for _ in range(self.asks):
            target.logits(images)
        changed = images.clone()
        mine = [self.only is None or sample in self.only for sample in rng.ids]
        changed[:, 0, 0, 0] = torch.where(torch.tensor(mine), self.value, self.other)
        return changed


class Noise(Attack):
    """A random number in the first value."""

    name: ClassVar[str] = "noise"
    norm: Norm = "linf"
    eps: float = EPS

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> Any:
        changed = images.clone()
        changed[:, 0, 0, 0] = 0.5 * rng.uniform()
        return changed


class Three(AttackInRounds):
    """Three rounds."""

    name: ClassVar[str] = "three"
    norm: Norm = "linf"
    eps: float = EPS
    parts: tuple[Any, ...] = ()

    def rounds(self) -> Mapping[str, Attack]:
        return {f"round {k}": part for k, part in enumerate(self.parts)}


class FirstValue(torch.nn.Module):
    """Class 1 where the first value is above 0.9, else class 0, the surer the farther."""

    def forward(self, images: Any) -> Any:
        """Return two logits."""
        lead = images[:, 0, 0, 0] - 0.9
        return torch.stack([-lead, lead], 1)


IDS = ["a", "b", "c", "d", "e"]
IMAGES = torch.zeros(5, 1, 2, 2)
LABELS = torch.tensor([0, 0, 0, 0, 1])
"""The last is wrong from the start."""


def call(*parts: Any, cls: Any = Three) -> AttackCall:
    """Make an attack of these rounds ready to call."""
    return AttackCall(Ready(cls(parts=parts), 'attack "three" (test)'))


def run(*parts: Any, gate: str | None = None) -> Any:
    """Run rounds on five samples of which four are right."""
    SEEN.clear()
    victim = adversity.target(FirstValue())
    return call(*parts)(victim, IMAGES, LABELS, ids=IDS, gate=gate)


def rounds() -> tuple[Write, ...]:
    """Fool a, then c, with 0.5, 0.2 and 0.7 for the others; 1, 2 and 3 queries."""
    return (
        Write(value=1.0, only=("a",), other=0.5, asks=1),
        Write(value=0.95, only=("c",), other=0.2, asks=2),
        Write(value=0.7, asks=3),
    )


class Heavy(Write):
    """Write down that it was set up."""

    name: ClassVar[str] = "heavy"
    made: ClassVar[list[float]] = []

    def setup(self, device: str) -> None:
        super().setup(device)
        self.made.append(self.value)


def test_only_the_rounds_that_run_are_set_up() -> None:
    """Asked for by name they cost nothing; after the second nothing stands, and the third waits."""
    Heavy.made.clear()
    parts = (Heavy(value=0.5), Heavy(value=1.0), Heavy(value=0.25))
    rounds = rounds_of(Ready(Three(parts=parts), "three"))
    assert [each.name for each in rounds] == ["round 0", "round 1", "round 2"]
    assert Heavy.made == []
    rounds[2].set_up()
    assert Heavy.made == [0.25]
    assert run(*parts).success.tolist() == [True, True, True, True, False]
    assert Heavy.made == [0.25, 0.5, 1.0]


def test_a_round_gets_what_is_right_and_stands() -> None:
    """What was wrong from the start comes to no round, what fell to none after."""
    result = run(*rounds())
    assert [ids for _, ids in SEEN] == [("a", "b", "c", "d"), ("b", "c", "d"), ("b", "d")]
    assert result.success.tolist() == [True, False, True, False, False]
    assert result.parameters["solved_by"].tolist()[:4] == [1, 0, 2, 0]
    assert bool(result.parameters["solved_by"][4].isnan())
    assert result.stopped is None


def test_the_worst_image_is_kept_and_the_costs_are_summed() -> None:
    """0.7 comes nearest to 0.9, then 0.5, then 0.2; a sample pays for the rounds it was in."""
    result = run(*rounds())
    assert result.images[:, 0, 0, 0].tolist() == pytest.approx([1.0, 0.7, 0.95, 0.7, 0.0])
    assert result.queries.tolist() == [1, 6, 3, 6, 0]
    result = run(*reversed(rounds()))
    assert result.images[:, 0, 0, 0].tolist() == pytest.approx([1.0, 0.7, 0.95, 0.7, 0.0])


def test_it_equals_the_rounds_run_by_hand() -> None:
    """Each round alone on what the last left, with the round's name for its random streams."""
    parts = (Noise(), Write(value=0.1), Noise())
    result = run(*parts)
    left, best = [0, 1, 2, 3], IMAGES.clone()
    for number, part in enumerate(parts):
        victim = adversity.target(FirstValue()).bind([IDS[i] for i in left])
        alone = attack(
            Ready(part, "alone"), victim, IMAGES[left], LABELS[left], step="three",
            stream=f"round {number}",
        )  # fmt: skip
        best[left] = torch.maximum(best[left], alone.images)
    assert torch.equal(result.images, best)
    assert len({float(value) for value in result.images[:4, 0, 0, 0]}) == 4


def test_it_is_the_same_for_any_batch_and_order() -> None:
    """A sample alone gets the same image, costs and round."""
    whole = run(*rounds(), Noise())
    for rows in ([3, 1, 0], [2], [4, 2, 3]):
        victim, made = adversity.target(FirstValue()), call(*rounds(), Noise())
        part = made(victim, IMAGES[rows], LABELS[rows], ids=[IDS[i] for i in rows])
        assert torch.equal(part.images, whole.images[rows])
        assert torch.equal(part.queries, whole.queries[rows])
        solved = whole.parameters["solved_by"][rows]
        assert torch.equal(part.parameters["solved_by"].nan_to_num(-1), solved.nan_to_num(-1))


def test_it_stops_where_the_gate_is_decided() -> None:
    """After round 1 three of five stand, after round 2 two: a floor of 0.8 fails at once."""
    result = run(*rounds(), gate="upper robust_accuracy >= 0.9")
    assert result.stopped is not None
    assert (result.stopped.after, result.stopped.of, result.stopped.name) == (1, 3, "round 0")
    assert len(SEEN) == 1
    assert result.success.tolist() == [True, False, False, False, False]


def test_it_stops_in_the_round_that_decides() -> None:
    """Wilson's upper bound is 0.882 for three of five, and 0.769 for two."""
    result = run(*rounds(), gate="upper robust_accuracy >= 0.8")
    assert result.stopped.after == 2


@pytest.mark.parametrize("gate", ["robust_accuracy >= 0.1", "upper robust_accuracy <= 0.7"])
def test_an_undecided_gate_stops_nothing(gate: str) -> None:
    """All rounds run, and nothing says that they did not."""
    result = run(*rounds(), gate=gate)
    assert result.stopped is None
    assert len(SEEN) == 3


def test_nothing_is_said_to_be_stopped_where_nothing_was_left_out() -> None:
    """A gate that is decided by the last round, or when all have fallen, stopped nothing."""
    assert run(Write(value=1.0), Noise(), gate="robust_accuracy >= 0.9").stopped is None
    assert run(Write(value=0.1), gate="upper robust_accuracy >= 0.99").stopped is None


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), "at least one round"),
        ((Write(eps=0.5),), "threat of the whole, linf within 1.0, got linf within 0.5"),
        ((Write(norm="l2"),), "got l2 within 1.0"),
        ((Three(),), "not itself in rounds, got Three"),
        (("pgd",), "expected an attack"),
    ],
)
def test_rounds_that_are_none_are_refused(parts: Any, message: str) -> None:
    """The message names the round and what it lacks."""
    with pytest.raises(PluginError, match=message):
        run(*parts)


def test_a_round_that_leaves_the_budget_is_named() -> None:
    """A round is checked like any attack."""

    class Small(Three):
        eps: float = 0.25

    with pytest.raises(PluginError, match=r"round 1 \(round 0\).*overstepped its budget"):
        call(Write(eps=0.25, value=0.5), cls=Small)(adversity.target(FirstValue()), IMAGES, LABELS)


def test_the_chain_answers_once_for_each_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what came, for what each round made, and at the end for what is kept of those."""
    asked: list[int] = []
    answer = ChainTarget.answer

    def counted(self: ChainTarget, images: Any) -> Any:
        asked.append(len(images))
        return answer(self, images)

    monkeypatch.setattr(ChainTarget, "answer", counted)
    run(*rounds())
    assert asked == [5, 4, 3, 2, 4]

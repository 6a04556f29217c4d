"""The victim from Python: plugins and bare networks, composed and left exactly as found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

from adversity.contracts import Combine, Sampling
from adversity.contracts.goal import Objective
from adversity.engine.calls.ready import Ready
from adversity.engine.chain.links import Bundle, Link
from adversity.engine.chain.own_network import ready_network
from adversity.engine.chain.target import ChainTarget
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["Victim", "target"]


class Victim:
    """A chain that waits for images: what `adversity.target` gives."""

    def __init__(
        self,
        links: Sequence[Link | Bundle],
        modules: Sequence[Any] = (),
        objective: Objective | None = None,
    ) -> None:
        """Keep the links, the networks whose mode must be restored, and what is attacked."""
        self.links = tuple(links)
        self.modules = tuple(modules)
        self.objective = objective

    def bind(
        self, ids: Sequence[str], *, seed: int = 0, labels: Tensor | None = None
    ) -> ChainTarget:
        """Return the target for these samples; an objective goes by their true classes `[N]`."""
        more = {} if self.objective is None else {"objective": self.objective, "labels": labels}
        return ChainTarget(self.links, ids=ids, seed=seed, **more)  # type: ignore[arg-type]


def target(
    *links: Any, objective: Literal["misclassify", "look_sure", "look_unsure"] = "misclassify"
) -> Victim:
    """Compose a victim: restorations, then a classifier or any `nn.Module`, then calibration.

    Behind the classifier may stand what asks it several times, `adversity.create("uncertainty",
    "mc_dropout")`, whose mean over draws then answers. In its place may stand an ensemble: victims, which are its members, and behind
    them what makes their answers one, `adversity.create("uncertainty", "deep_ensemble")`.

    Args:
        *links: What `adversity.create` returned, or an `nn.Module` from images `[N, C, H, W]`
            in [0, 1] to logits `[N, K]`; it is called with 64 rows at once of images up to
            64 x 64, with 16 of larger ones. One with convolutions gets them on a CPU in
            `torch.channels_last`, after a copy of it has shown on two made-up images of their
            shape that it gives the same answer. Or what this function returned, as a member.
        objective: What the attack is after: another class; or, where the last link accepts answers
            as `threshold` does, that wrong answers are accepted (`look_sure`), or right ones
            rejected (`look_unsure`).

    Raises:
        InputError: If there is not exactly one classifier or ensemble, or something stands where
            it cannot.
        NotFittedError: If one of them must be fitted first.
    """
    chain: list[Link | Bundle] = []
    modules: list[Any] = []
    members: list[Victim] = []
    for position, link in enumerate(links):
        if isinstance(link, Victim):
            if link.objective is not None:
                raise InputError(
                    f"a member is attacked for its answer, got one with objective "
                    f"{link.objective} at position {position}; give it to the whole"
                )
            members.append(link)
            modules += link.modules
            continue
        ready = _ready(link, position, modules)
        combines = isinstance(ready.plugin, Combine)
        if combines != bool(members):
            _misplaced(ready, position, len(members))
        # Draws are those of the method's own call from Python, for the same seed and ids.
        samples = isinstance(ready.plugin, Sampling)
        step = ready.plugin.name if samples else f"link-{position}"
        chain.append(_bundle(step, ready, members) if combines else Link(step, ready))
        members = []
    if members:
        raise InputError(
            f"expected what makes one answer of {len(members)} victims behind them, got nothing; "
            'end with adversity.create("uncertainty", "deep_ensemble")'
        )
    return _checked(Victim(chain, modules, _known(objective)))


def _known(objective: str) -> Objective | None:
    """Return what is attacked in the place of the answer; None if it is the answer."""
    if objective == "misclassify":
        return None
    for known in get_args(Objective):
        if objective == known:
            return known  # type: ignore[no-any-return]
    raise InputError(
        f"expected objective misclassify, {' or '.join(get_args(Objective))}, got {objective!r}"
    )


def _checked(victim: Victim) -> Victim:
    """Compose it once, of no samples, to see that it can be."""
    victim.bind(())
    return victim


def _ready(link: Any, position: int, modules: list[Any]) -> Ready:
    """Return a link as a plugin that is set up; a network is added to `modules`."""
    from torch import nn

    if isinstance(link, nn.Module):
        modules.append(link)
        return ready_network(link)
    inside = getattr(link, "ready", None)
    if not isinstance(inside, Ready):
        raise InputError(
            f"expected plugins from adversity.create or an nn.Module, got "
            f"{type(link).__name__} at position {position}"
        )
    inside.require_fitted()
    return inside


def _misplaced(ready: Ready, position: int, members: int) -> NoReturn:
    """Say what is missing between victims and what combines them."""
    if members:
        raise InputError(
            f"expected what makes one answer of {members} victims at position {position}, got "
            f'{ready.label}; put adversity.create("uncertainty", "deep_ensemble") there'
        )
    raise InputError(
        f"{ready.label} at position {position} combines members: expected them before it, each "
        "an adversity.target(...) of its own, got none"
    )


def _bundle(step: str, ready: Ready, members: Sequence[Victim]) -> Bundle:
    """Return members and what combines them; each draws random numbers of its own."""
    return Bundle(
        step,
        ready,
        tuple(
            tuple(_renamed(f"{step}/{number}", link) for link in member.links)
            for number, member in enumerate(members)
        ),
    )


def _renamed(prefix: str, link: Link | Bundle) -> Link | Bundle:
    """Return a link of a member, whose step no other member has."""
    step = f"{prefix}/{link.step}"
    if isinstance(link, Link):
        return replace(link, step=step)
    members = tuple(tuple(_renamed(prefix, one) for one in member) for member in link.members)
    return Bundle(step, link.ready, members)

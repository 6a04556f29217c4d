"""What an attack promises of its budget, its victim and the samples it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.errors import AdversityError, PluginError
from adversity.testing.bench.bench import Case
from adversity.testing.bench.checks import Failed, NotApplicable, apart, check, require
from adversity.testing.inputs.images import scenes
from adversity.testing.kinds.attack.strength import ONE_OF_SIXTEEN

if TYPE_CHECKING:
    from adversity.testing.kinds.attack import AttackBench

__all__ = ["CHECKS"]


@check("The budget holds in float64, for several radii, with and without the box in the way.")
def budget(bench: AttackBench) -> str:
    """Try small and large radii on images in the middle of the box and at its bounds.

    The engine measures what comes back, and allows a millionth more than eps and, in linf,
    half a spacing of float32.
    """
    if bench.norm is None:
        raise NotApplicable(f"its threat is {bench.threat.word}: it has no radius in a norm")
    inside = scenes(6, 3, 8, 8, first=30)
    inputs = {"inside the box": 0.3 + 0.4 * inside, "at its bounds": (inside > 0.5).float()}
    others = (factor * bench.eps for factor in (1 / 16, 4))
    radii = sorted({bench.eps, *(eps for eps in others if bench.takes(eps=eps))})
    for eps in radii:
        ready = bench.with_(eps=eps)
        for where, images in inputs.items():
            try:
                bench.attempt(ready, bench.case("budgets", images))
            except PluginError as error:
                raise Failed(f"for images {where}, {error}") from error
    summary = ", ".join(f"{eps:.4g}" for eps in radii)
    return f"{bench.norm} <= {summary}, for images {' and '.join(inputs)}"


@check("The victim is left as it was found: modes, hooks, weights, buffers and gradients.")
def victim_as_found(bench: AttackBench) -> str:
    """Compare everything about the victim before and after.

    It holds batch norm, a dropout that is kept on while the rest is in eval mode, and weights
    of which a part is frozen.
    """
    from adversity.testing.kinds.attack.victims import found_state

    for case in bench.answered:
        victim = bench.victim(case.rows["images"], case.ids)
        before = found_state(victim)
        bench.attempt(bench.ready, case, victim=victim)
        after = found_state(victim)
        changed = [name for name, value in before.items() if after[name] != value]
        require(
            not changed,
            f"expected the victim as it was before the attack, its {', '.join(changed)} changed. "
            "Put back what you set, and compute the images' gradient only: "
            "torch.autograd.grad(loss, images)",
        )
    return f"{', '.join(before)} as found"


@check("A sample whose answer is wrong from the start stays wrong, also if all are.")
def wrong_from_the_start(bench: AttackBench) -> str:
    """Give labels that are not the victim's answer, for half of the samples and for all.

    An attack that takes the victim's answer for the truth drives it back to the label. One
    sample may come right by chance, where a step leads over a bend.
    """
    bench.must_be_strong()
    if bench.targeted:
        raise NotApplicable("a targeted attack is given the target class")
    case = bench.crowd
    labels, count = case.rows["labels"], len(case)
    wrong = (labels + 1) % bench.victim(case.rows["images"], case.ids).classes
    summary = []
    for every in (2, 1):
        given = labels.clone()
        given[::every] = wrong[::every]
        mixed = Case(case.name, {**case.rows, "labels": given}, case.ids)
        after = bench.attempt(bench.ready, mixed)
        right = int((~after.fooled[::every]).sum())
        summary.append(f"{right} of {count // every}")
        require(
            right <= ONE_OF_SIXTEEN,
            f"expected samples that the victim has wrong to stay wrong, {summary[-1]} came right: "
            "attack the labels that are given, not the victim's answer",
        )
    return f"{' and '.join(summary)} samples came right"


@check("A sample whose gradient is zero does no harm: no NaN, and others are attacked.")
def zero_gradient(bench: AttackBench) -> str:
    """Try a victim whose answer does not depend on dark images, among others and alone."""
    import torch

    from adversity.testing.kinds.attack.victims import KitTarget, Unfeeling, network

    if bench.claims.access == "structure":
        raise NotApplicable("it looks into its victim and uses no gradient")
    bright = bench.crowd.rows["images"][:6]
    images = torch.cat([bright, 0.2 * bright])
    ids = tuple(f"kit/dark-{k}" for k in range(len(images)))
    module = Unfeeling(network(3))
    labels = KitTarget(module, ids).logits(images).argmax(1)
    case = Case("12 images, half of them dark", {"images": images, "labels": labels}, ids)
    after = bench.attempt(bench.ready, case, victim=KitTarget(module, ids))
    dark = case.take(range(6, 12))
    bench.attempt(bench.ready, dark, victim=KitTarget(module, dark.ids))
    moved = sum(apart(after.images[k], images[k]) > 0 for k in range(6))
    require(moved, "expected the bright images to be attacked, all were left as they are")
    within = "finite" if bench.norm is None else "finite and within the budget"
    return f"{within}; {moved} of 6 neighbours are moved"


@check("A victim that gives labels only is refused in words, or attacked by its decisions.")
def labels_only(bench: AttackBench) -> str:
    """Give a victim without logits: its target raises, which must not be swallowed."""
    from adversity.testing.kinds.attack.victims import KitTarget, network

    case = bench.answered[0]
    victim = KitTarget(network(case.rows["images"].shape[1]), case.ids, gives="labels")
    try:
        images = _attacked(bench, case, victim)
    except PluginError:
        raise
    except AdversityError as error:
        return f"refuses: {error}"
    gap = apart(images, case.rows["images"])
    require(
        gap > 0,
        "expected the target's error or an attack, got the images as they were: let the error "
        "through",
    )
    return f"moves the images by up to {gap:.3g} without logits"


@check("No sample costs more than `costs_at_most` says, where it says so.")
def costs(bench: AttackBench) -> str:
    """Count queries and gradients, of samples that fall soon and of such that never do."""
    most = bench.ready.plugin.costs_at_most
    if most is None:
        raise NotApplicable("it does not say what it costs at most")
    spent = [bench.attempt(bench.ready, case) for case in (*bench.answered, bench.crowd)]
    for number, what in enumerate(("queries", "gradients")):
        highest = max(int((one.queries, one.gradients)[number].max()) for one in spent)
        require(
            highest <= most[number],
            f"expected at most {most[number]} {what} of a sample, as costs_at_most says, got "
            f"{highest}: say what it costs where nothing is found, or None",
        )
    return f"at most {most[0]} queries and {most[1]} gradients"


def _attacked(bench: AttackBench, case: Case, victim: Any) -> Any:
    """Return what the attack makes, without a look at the victim's logits afterwards."""
    from adversity.engine.attack.attacking import perturbed

    return perturbed(
        bench.ready, victim, case.rows["images"], case.rows["labels"], seed=0, step="kit"
    ).images


CHECKS = (budget, victim_as_found, wrong_from_the_start, zero_gradient, labels_only, costs)

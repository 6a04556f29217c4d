"""What a data set promises of classes that are several of a network's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adversity.testing.bench.checks import NotApplicable, check, require

if TYPE_CHECKING:
    from adversity.testing.kinds.dataset import DatasetBench

__all__ = ["members_of_classes"]


@check("Classes that are several of a network's are its own, each of a network's is one of them.")
def members_of_classes(bench: DatasetBench) -> str:
    """Look at `class_members`: keys are classes of the set, values are texts, and none comes twice."""
    data = bench.ready.plugin
    members = data.class_members
    require(
        isinstance(members, Mapping),
        f"expected a mapping from class_members, got {type(members).__name__}",
    )
    if not members:
        raise NotApplicable("its classes are not several of a network's")
    known, owner = set(data.class_names), dict[str, str]()
    for name, of in members.items():
        require(
            name in known, f"expected classes of the set in class_members, {name!r} is none of them"
        )
        require(
            isinstance(of, tuple) and of and all(isinstance(one, str) and one for one in of),
            f"expected a tuple of names for {name!r} in class_members, one or more, got "
            f"{str(of)[:80]}",
        )
        for one in of:
            first = owner.setdefault(one, name)
            # One that counts as two classes answers for the first of them alone.
            require(
                first == name and of.count(one) == 1,
                f"expected {one!r} to count as one class, once; it stands under {first!r} and {name!r}",
            )
    return f"{len(members)} classes, of {len(owner)}"

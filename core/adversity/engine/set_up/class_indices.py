"""Class names: which class of the classifier a label of the data set means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError
from adversity.file_names import same_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adversity.contracts import Classifier

__all__ = ["class_indices"]


def class_indices(
    names: Sequence[str],
    used: Sequence[int],
    classifier: Classifier,
    *,
    labels: Mapping[str, str] | None = None,
    data: str = "the data set",
    keep_unknown: bool = False,
    members: Collection[str] = (),
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Map each class of a data set to the classifier's index; -1 for those that it lacks.

    A class is found by exact name, by WordNet id, or through `labels`. What a labels file names
    must be there in any case: it would be a slip of the pen.

    Args:
        names: The data set's classes.
        used: The classes that samples have.
        classifier: Whose classes they are mapped to.
        labels: Data set's name to classifier's name or WordNet id.
        data: What to call the data set in messages.
        keep_unknown: Whether samples may have classes that the classifier lacks.
        members: The classes that are several of a classifier's each.

    Raises:
        DataError: If a used class is not the classifier's and must be; the message lists both.
    """
    theirs = [same_name(name) for name in classifier.class_names]
    known = {name: index for index, name in reversed(list(enumerate(theirs)))}
    ambiguous = (
        {name for name in known if theirs.count(name) > 1}
        if labels or (len(known) < len(theirs))
        else set()
    )
    for index, synset in enumerate(classifier.synsets or ()):
        known.setdefault(synset, index)
    ours = [same_name(name) for name in names]
    if members and not set(ours) <= known.keys():
        raise DataError(
            f"{data}: its classes are several of {classifier.name!r}'s each, such as {ours[0]!r}; "
            "write `classes: data` on the step, which leaves those and puts them together"
        )
    mapped = [(labels or {}).get(name, name) for name in ours]
    indices = np.array([known.get(name, -1) for name in mapped], dtype=np.int64)
    for position in sorted(set(used)):
        unknown = indices[position] < 0 and not (
            keep_unknown and ours[position] == mapped[position]
        )
        if unknown or mapped[position] in ambiguous:
            _refuse(ours, mapped, position, sorted(set(used)), indices, classifier, data, labels)
    return indices


def _refuse(
    names: Sequence[str],
    mapped: Sequence[str],
    position: int,
    used: Sequence[int],
    indices: np.ndarray[tuple[int], np.dtype[np.int64]],
    classifier: Classifier,
    data: str,
    labels: Mapping[str, str] | None,
) -> None:
    if indices[position] >= 0:
        raise DataError(
            f"{data}: class {mapped[position]!r} is the name of several classes of the "
            "classifier; use WordNet ids, or a `labels:` file that gives them"
        )
    missing = [i for i in used if indices[i] < 0]
    listed = [_listed(names[i], mapped[i], classifier) for i in missing[:8]]
    more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
    raise DataError(
        f"{data}: {len(missing)} of {len(used)} classes are not the classifier's: "
        f"{', '.join(listed)}{more}; the classifier {classifier.name!r} has "
        f"{_some(classifier.class_names)}{_left(classifier)}. {_remedy(missing, names, labels, classifier)}"
    )


def _listed(name: str, mapped_to: str, classifier: Classifier) -> str:
    """Name a class, what a labels file makes of it, and the nearest that the classifier has."""
    hint = did_you_mean(mapped_to, classifier.class_names)
    mapped = "" if mapped_to == name else f" (mapped to {mapped_to!r})"
    return f"{name!r}{mapped}" + (f" ({hint})" if hint else "")


def _remedy(
    missing: Sequence[int],
    names: Sequence[str],
    labels: Mapping[str, str] | None,
    classifier: Classifier,
) -> str:
    if labels is None and _unnamed(classifier):
        return (
            f"Nobody has named its classes: write `classes:` or `classes_file:` under `with:` of "
            f"{classifier.name!r}, with the names in the order of its logits."
        )
    if labels is None:
        return (
            "Give a `labels:` file (CSV with the columns from,to) that maps them, or keep their "
            "samples as unknown with `unknown: keep`."
        )
    without = [names[i] for i in missing if names[i] not in labels]
    if without:
        return (
            f"The `labels:` file has no row for {_some(without)}; add one for each, or keep their "
            "samples as unknown with `unknown: keep`."
        )
    return "Correct the column `to` of the `labels:` file."


def _unnamed(classifier: Classifier) -> bool:
    """Say whether a model out of a file bears the names that stand for none: `class_0`, ..."""
    numbered = [f"class_{index}" for index in range(len(classifier.class_names))]
    return hasattr(classifier, "classes_file") and list(classifier.class_names) == numbered


def _left(classifier: Classifier) -> str:
    """Say where a mask leaves only these classes."""
    whole = getattr(classifier, "whole", None)
    if whole is None:
        return ""
    return (
        f", which classes: leaves of {len(whole.class_names):,}: name these classes there as well"
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")

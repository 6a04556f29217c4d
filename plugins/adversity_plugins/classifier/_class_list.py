"""The names of a model's classes, from a list or a file, held against its logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import ParameterError

if TYPE_CHECKING:
    from adversity import ProjectFile

__all__ = ["class_list"]

_SHOWN = 3


def class_list(
    label: str, count: int | None, given: tuple[str, ...] | None, file: ProjectFile | None
) -> tuple[str, ...]:
    """Return a name for each logit; numbered ones where none are given.

    Args:
        label: What messages call the classifier.
        count: K, how many logits the model gives; None where it is built for the names, and for
            1000 classes without any.
        given: The names as a list.
        file: A text file with a name a line.

    Raises:
        ParameterError: If they are not as many as the logits, or one comes twice.
    """
    names = _lines(label, file) if file is not None else given
    if names is None:
        return tuple(f"class_{i}" for i in range(count or 1000))
    source = "classes" if file is None else f"classes_file {file}"
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(
            f"{label}: expected each class once in {source}, got {', '.join(twice[:_SHOWN])} "
            "several times; give every class a name of its own"
        )
    if count is not None and len(names) != count:
        raise ParameterError(
            f"{label}: expected {count} names in {source}, one for each logit of the model, got "
            f"{len(names)}; name its classes in the order of its logits"
        )
    return names


def _lines(label: str, file: ProjectFile) -> tuple[str, ...]:
    try:
        lines = file.path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ParameterError(
            f"{label}: expected UTF-8 text with a class a line in classes_file {file}, got other "
            f"bytes ({error}); save it as text"
        ) from error
    return tuple(line.strip() for line in lines if line.strip())

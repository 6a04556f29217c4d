"""A data card: what a data set holds and what is wrong with it, as Markdown and as one HTML page."""

from __future__ import annotations

from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from adversity.data.atomic import atomic_write, storage_error
from adversity.report.words.wording import pairs
from adversity_flows.datasets.thumbnails import thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from adversity.data.reading import Source
    from adversity_flows.datasets.checks import Checked, Common

__all__ = ["card_values", "write_card"]

_SHOWN = 12
"""So many groups of each finding are shown with their images; the count is of all."""
_SAID = ("n", "per_class", "quarantined")
"""Facts of a data set that stand elsewhere on its card."""


def write_card(
    folder: Path,
    checked: Checked,
    others: Sequence[Common],
    *,
    version: str | None = None,
    place: str | None = None,
) -> tuple[Path, Path]:
    """Write `NAME.md` and `NAME.html` into a folder.

    Args:
        folder: It is made.
        checked: The data set.
        others: What it has in common with other ones.
        version: What this version of it is called.
        place: Where the project has it, if it was read elsewhere.

    Returns:
        Both paths.

    Raises:
        StorageError: If the disk is full or not writable.
    """
    import jinja2

    values = {**card_values(checked, others), "version": version}
    if place is not None:
        values["facts"] = {**values["facts"], "path": place}
    templates = resources.files("adversity_flows").joinpath("templates/data_card")
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    for suffix in (".md", ".html"):
        text = templates.joinpath(f"page{suffix}.j2").read_text(encoding="utf-8")
        environment = jinja2.Environment(
            autoescape=suffix == ".html",
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        environment.filters["cell"] = _cell
        page = environment.from_string(text).render(values)
        path = folder / f"{checked.name.replace('/', '-')}{suffix}"
        atomic_write(path, partial(_write, page))
        paths.append(path)
    return paths[0], paths[1]


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def card_values(checked: Checked, others: Sequence[Common]) -> dict[str, Any]:
    """Return what a card says, for its templates."""
    source = checked.source
    most = max(checked.classes.values(), default=0)
    return {
        "name": checked.name,
        "count": len(source),
        "content": source.content,
        "facts": _facts(source),
        "prepare": source.prepare,
        "sizes": _sizes(source),
        "unlabelled": source.unlabelled_count,
        "groups": len({group for group in source.groups if group is not None}),
        "paired": source.references_count,
        "targets": source.target_names,
        "classes": [
            {"name": name, "count": count, "share": count / most if most else 0}
            for name, count in checked.classes.items()
        ],
        "left_out": source.quarantined,
        "looked": checked.looks is not None,
        "findings": [
            _finding("Equal images of different classes", checked.disagreeing, source, bad=True),
            *(
                [_finding("Images that stand in several splits", checked.leaks, source, bad=True)]
                if checked.leaks
                else []
            ),
            _finding("Images that stand more than once", checked.equal, source),
            _finding("Images that look alike", checked.alike, source),
        ],
        "others": [_shared(checked, one) for one in others],
    }


def _facts(source: Source) -> dict[str, str]:
    """Return what the data set says of itself, but for what stands elsewhere."""
    return {
        key.replace("_", " "): pairs(value) if isinstance(value, dict) else str(value)
        for key, value in source.describe().items()
        if key not in _SAID and value is not None
    }


def _sizes(source: Source) -> str:
    """Say the sizes after `prepare`, as height x width and channels."""
    shapes = sorted({(h, w, c) for c, h, w in source.shapes}, key=lambda s: (s[0] * s[1], s))
    (h, w, c), (h2, w2, _) = shapes[0], shapes[-1]
    channels = " or ".join(str(n) for n in sorted({s[2] for s in shapes}))
    if len(shapes) == 1:
        return f"{h} x {w} pixels, {c} channel{'s' * (c > 1)}"
    return f"{len(shapes)} sizes, {h} x {w} to {h2} x {w2} pixels, {channels} channels"


def _finding(
    title: str, groups: Sequence[Sequence[str]], source: Source, *, bad: bool = False
) -> dict[str, Any]:
    place = {id_: index for index, id_ in enumerate(source.ids)}
    names = source.class_names

    def shown(id_: str) -> dict[str, str]:
        target = int(source.targets[place[id_]])
        label = names[target] if 0 <= target < len(names) else ""
        return {"id": id_, "label": label, "image": thumbnail(source, place[id_])}

    return {
        "title": title,
        "bad": bad,
        "count": len(groups),
        "groups": [[shown(id_) for id_ in group] for group in groups[:_SHOWN]],
    }


def _shared(checked: Checked, one: Common) -> dict[str, Any]:
    other = one.second if one.first == checked.name else one.first
    own = 0 if one.first == checked.name else 1
    return {
        "name": other,
        "equal": len(one.equal),
        "alike": len(one.alike),
        "shown": [
            {"id": pair[own], "other": pair[1 - own]} for pair in [*one.equal, *one.alike][:_SHOWN]
        ],
    }


def _cell(values: Iterable[str] | str) -> str:
    """Write a text, or several, into a cell of a Markdown table."""
    texts = [values] if isinstance(values, str) else values
    return ", ".join(str(text).replace("|", "\\|").replace("\n", " ") for text in texts)

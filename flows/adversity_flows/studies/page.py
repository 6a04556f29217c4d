"""A study as one page that anybody can open, and the key that says who made which image."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from adversity.data.atomic import atomic_write, storage_error
from adversity_flows.studies.draw import drawn_pairs
from adversity_flows.studies.shown import display_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from adversity_flows.studies.draw import Shown
    from adversity_flows.studies.shown import Contender

__all__ = ["KEY", "PAGE", "SCHEMA", "VOTES", "write_study"]

SCHEMA = "adversity-study/1"
VOTES = "adversity-votes/1"
PAGE, KEY = "study.html", "key.json"


def write_study(
    folder: Path,
    found: Sequence[Contender],
    samples: Sequence[str],
    *,
    most: int,
    seed: int,
    question: str,
    largest: int,
    done: Callable[[int, int], None],
) -> dict[str, Any]:
    """Write page and key into a folder.

    The page holds images and no names; the key, which voters should not see, holds names.

    Args:
        folder: It is made.
        found: The contenders.
        samples: Those that all of them have.
        most: The largest number of pairs.
        seed: Of the draw.
        question: What people are asked of each pair.
        largest: Pixels of the longer side, at most; larger images are made smaller.
        done: Told how many pairs are done, of how many.

    Returns:
        The key.

    Raises:
        InputError: If an image cannot be shown.
        StorageError: If the disk is full or not writable.
    """
    pairs = drawn_pairs(len(found), samples, most, seed)
    copies: dict[tuple[int, str], str] = {}
    for at, pair in enumerate(pairs, start=1):
        for who in (pair.left, pair.right):
            if (who, pair.sample) not in copies:
                data = display_copy(found[who].files[pair.sample], largest)
                copies[who, pair.sample] = base64.b64encode(data).decode()
        done(at, len(pairs))
    key = _key(found, pairs, copies, seed, question)
    shown = {
        "id": key["study"],
        "question": question,
        "votes": VOTES,
        # Each image stands in the page once; the numbers tell nothing of who made it.
        "images": list(copies.values()),
        "pairs": [
            [_place(copies, pair.left, pair.sample), _place(copies, pair.right, pair.sample)]
            for pair in pairs
        ],
    }
    text = json.dumps(shown, separators=(",", ":")).replace("<", "\\u003c")
    template = resources.files("adversity_flows").joinpath("templates/study/page.html")
    page = template.read_text(encoding="utf-8").replace("@@STUDY@@", text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    atomic_write(folder / PAGE, lambda path: path.write_text(page, encoding="utf-8"))
    written = json.dumps(key, indent=1, sort_keys=True, ensure_ascii=False)
    atomic_write(folder / KEY, lambda path: path.write_text(written + "\n", encoding="utf-8"))
    return key


def _place(copies: dict[tuple[int, str], str], who: int, sample: str) -> int:
    return list(copies).index((who, sample))


def _key(
    found: Sequence[Contender],
    pairs: Sequence[Shown],
    copies: dict[tuple[int, str], str],
    seed: int,
    question: str,
) -> dict[str, Any]:
    names = [one.name for one in found]
    asked = [
        {"sample": pair.sample, "left": names[pair.left], "right": names[pair.right]}
        | ({} if pair.again is None else {"again": pair.again})
        for pair in pairs
    ]
    digest = hashlib.sha256(json.dumps([asked, question], sort_keys=True).encode())
    for image in copies.values():
        digest.update(image.encode())
    judged = {
        one.name: {
            "n": len(verdicts),
            "right": sum(verdicts),
        }
        for one in found
        for verdicts in [
            [one.right[name] for name in sorted({p.sample for p in pairs}) if name in one.right]
        ]
        if verdicts
    }
    return {
        "schema": SCHEMA,
        "study": digest.hexdigest()[:16],
        "question": question,
        "seed": seed,
        "contenders": names,
        "pairs": asked,
        "answers": judged,
    }

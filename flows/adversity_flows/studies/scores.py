"""Votes read back, and what they say: scores with intervals, and how far voters agree."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.errors import DataError, InputError
from adversity.metrics import bradley_terry
from adversity_flows.studies.page import SCHEMA, VOTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from adversity.contracts import Measure

__all__ = ["Scored", "read_key", "read_votes", "scored"]

_WON = {"left": 1.0, "right": 0.0, "same": 0.5}


@dataclass(frozen=True, slots=True)
class Scored:
    """What the votes say.

    Attributes:
        scores: By contender, its strength in log-odds; empty where `why` says that none fits.
        tallies: By contender: won, lost, without a preference.
        voters: Files of votes.
        votes: Votes that count: repeats do not.
        steady: Of the pairs that a voter saw twice, how often both answers were the same; and how
            many such pairs there were.
        why: Why there are no scores; empty where there are.
    """

    scores: Mapping[str, Measure]
    tallies: Mapping[str, tuple[int, int, int]]
    voters: int
    votes: int
    steady: tuple[int, int]
    why: str = ""
    answers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def read_key(path: Path) -> dict[str, Any]:
    """Read the key of a study.

    Raises:
        InputError: If it is none.
    """
    key = _json(path, "the key of a study, which `adversity study make` wrote")
    whole = key.get("schema") == SCHEMA and {"study", "contenders", "pairs"} <= key.keys()
    if not whole:
        raise InputError(f"{path}: expected the key of a study ({SCHEMA}), got another file")
    return key


def read_votes(path: Path, key: Mapping[str, Any]) -> dict[int, float]:
    """Read a file of votes: by the number of the pair, 1 for left, 0 for right, 0.5 for neither.

    Raises:
        InputError: If it is none, of another study, or names a pair or an answer that is none.
    """
    document = _json(path, "votes, which the page of a study saved")
    if document.get("schema") != VOTES or not isinstance(document.get("votes"), list):
        raise InputError(f"{path}: expected votes ({VOTES}), got another file")
    if document.get("study") != key["study"]:
        raise InputError(
            f"{path}: expected votes of study {key['study']}, got those of {document.get('study')}; "
            "they belong to another page"
        )
    found: dict[int, float] = {}
    for vote in document["votes"]:
        given = vote if isinstance(vote, dict) else {}
        choice = given.get("choice")
        pair: Any = given.get("pair")
        numbers = range(len(key["pairs"]))
        known = type(pair) is int and pair in numbers and pair not in found
        if not known or choice not in _WON:
            raise InputError(
                f"{path}: expected one of left, right and same for each of {len(key['pairs'])} pairs, "
                f"once, got {vote!r}"
            )
        found[pair] = _WON[choice]
    if not found:
        raise InputError(f"{path}: expected votes, got none; leave the file out")
    return found


def scored(key: Mapping[str, Any], paths: Sequence[Path]) -> Scored:
    """Score the contenders of a study by all its votes.

    Votes on one sample are a cluster of the interval, whoever cast them: the samples are taken as
    drawn.

    Raises:
        InputError: If a file is no votes of this study, or is given twice.
    """
    seen: dict[str, Path] = {}
    for path in paths:
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else str(path)
        if digest in seen:
            raise InputError(f"expected each file of votes once, got {seen[digest]} and {path}")
        seen[digest] = path
    ballots = [read_votes(path, key) for path in paths]
    names, pairs = list(key["contenders"]), key["pairs"]
    counted = [
        (names.index(pairs[at]["left"]), names.index(pairs[at]["right"]), won, pairs[at]["sample"])
        for ballot in ballots
        for at, won in sorted(ballot.items())
        if "again" not in pairs[at]
    ]
    tallies = {name: _tally(at, counted) for at, name in enumerate(names)}
    steady = [
        ballot[pair["again"]] == 1 - ballot[at]
        for ballot in ballots
        for at, pair in enumerate(pairs)
        if "again" in pair and at in ballot and pair["again"] in ballot
    ]
    scores: dict[str, Measure] = {}
    why = ""
    if counted:
        left, right, won, samples = (list(column) for column in zip(*counted, strict=True))
        try:
            found = bradley_terry(left, right, won, count=len(names), groups=samples)
            scores = dict(zip(names, found, strict=True))
        except DataError:
            why = (
                "no finite scores fit: some methods won, or lost, every vote against the others; "
                "more votes may part them"
            )
    else:
        why = "there are no votes but repeats"
    return Scored(
        scores,
        tallies,
        len(ballots),
        len(counted),
        (int(np.sum(steady)), len(steady)),
        why,
        key.get("answers", {}),
    )


def _tally(who: int, counted: Sequence[tuple[int, int, float, str]]) -> tuple[int, int, int]:
    mine = [
        won if left == who else 1 - won for left, right, won, _ in counted if who in (left, right)
    ]
    return mine.count(1.0), mine.count(0.0), mine.count(0.5)


def _json(path: Path, what: str) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: expected {what}, got no file that can be read ({error})"
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: expected {what}, got no JSON ({error})") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected {what}, got other JSON")
    return document

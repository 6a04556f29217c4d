"""Samples that have other ids in two runs and are the same, by the content of their files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adversity.engine.summary.same_samples import known_as
from recorded_runs import compare, recorded, rows

BEFORE = {"dark/a": "1", "dark/b": "2", "light/c": "3", "light/d": "3", "light/e": "4"}
AFTER = {"dark/a": "9", "light/b": "2", "light/x": "3", "light/y": "3", "light/z": "3"}
"""Ids to contents: the first was edited, the second moved, two equal ones were renamed."""


def known_by(folder, name, contents, *, known=True):
    """Return a run on these samples, which knows what its files were, or not."""
    logits = np.eye(3)[np.arange(len(contents)) % 3]
    run = recorded(
        folder, name, {"predictions": [rows(logits, logits.argmax(axis=1), ids=[*contents])]}
    )

    def of(data, ids):
        assert data == "photos"
        return {id_: contents[id_] for id_ in ids if known}

    return replace(run, contents=of)


def ids_of(run):
    return run.table("predictions").rows["id"].tolist()


def test_the_earlier_run_gets_the_ids_of_the_later(tmp_path):
    """By id first, then by content, equal ones in their order and once each."""
    before, after = known_by(tmp_path, "a", BEFORE), known_by(tmp_path, "b", AFTER)
    joined = known_as(before, after)
    assert ids_of(joined) == ["dark/a", "light/b", "light/x", "light/y", "light/e"]
    assert ids_of(before) == [*BEFORE]
    table = joined.table("predictions").cell("")
    assert table.at(np.array([1, 4]), ["id", "target"])["id"].tolist() == ["light/b", "light/e"]
    assert compare(before, after).answers[0].n == 4


@pytest.mark.parametrize("which", ["before", "after"])
def test_where_nothing_is_known_ids_alone_count(tmp_path, which):
    """As for runs that kept no hashes of their files."""
    before = known_by(tmp_path, "a", BEFORE, known=which != "before")
    after = known_by(tmp_path, "b", AFTER, known=which != "after")
    assert ids_of(known_as(before, after)) == [*BEFORE]
    assert compare(before, after).answers[0].n == 1


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("abcd", ["0", "1", "2", "3"]),
        ("acd", ["0", "1 as it was", "1", "2"]),
        ("Nabcd", ["1", "2", "3", "4"]),
        ("abXd", ["0", "1", "2", "3"]),
        ("dcba", ["3", "2", "1", "0"]),
        ("acXd", ["0", "1 as it was", "1", "3"]),
    ],
)
def test_places_in_a_packed_file_are_no_names(tmp_path, after, expected):
    """Another image in a sample's place is not the sample; one that was edited in place is."""
    then, now = ({f"test/{n}": c for n, c in enumerate(text)} for text in ("abcd", after))
    joined = known_as(known_by(tmp_path, "a", then), known_by(tmp_path, "b", now))
    assert ids_of(joined) == [f"test/{id_}" for id_ in expected]

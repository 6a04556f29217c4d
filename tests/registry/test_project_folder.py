"""A folder of the project stands for the plugins that its files define, each found by its file."""

from __future__ import annotations

import pytest

from adversity.errors import DataError
from adversity.registry.catalogue import listing_of
from adversity.registry.project_plugins import found_in


@pytest.fixture
def own(project):
    """A folder with plugins, and with much that is none."""
    body = project.half.partition("\n\n\n")[2]
    head = "from typing import ClassVar\nfrom adversity import Degradation\nFACTOR = 0.25\n\n\n"
    project.write("own/deep/quarter.py", head + body.replace('"half"', '"quarter"'))
    private = body.replace("Half(", "_Half(").replace('"half"', '"hidden"')
    project.write("own/half.py", head + body + "\n\n" + private)
    project.write("own/levels.py", "LEVELS = 4\n")
    for name in ("_draft.py", "_old/half.py", ".hidden/half.py"):
        project.write(f"own/{name}", "raise SystemExit('imported')\n")
    project.write("own/readme.txt", "no Python")
    return project


def test_every_plugin_of_a_folder_is_found(own):
    """As by its file: the same class, with the name that a pipeline writes; helpers are passed by."""
    entries, problems = found_in("./own", own.root)
    assert [(entry.distribution, entry.name) for entry in entries] == [
        ("./own/deep/quarter.py", "quarter"),
        ("./own/half.py", "half"),
    ]
    assert problems == []
    assert entries[1].cls is own.get("./own/half.py:Half").cls
    assert [listing_of(entry).written for entry in entries] == [
        "./own/deep/quarter.py:quarter",
        "./own/half.py:half",
    ]
    assert own.get("./own/half.py:half").cls is entries[1].cls
    assert found_in("./own/", own.root) == (entries, [])
    assert found_in("./own/half.py", own.root)[0] == entries[1:]


def test_one_that_is_broken_hides_no_other(own):
    """What is wrong with a file, or with one of its classes, stands beside the others."""
    own.write("own/broken.py", "x = 1 / 0\n")
    own.write("own/my.model.py", "X = 1\n")
    own.write("own/levels.py", own.half.replace("def degrade", "def worsen").replace(".f", "..f"))
    entries, problems = found_in("./own", own.root)
    assert [entry.name for entry in entries] == ["quarter", "half"]
    broken, levels, dotted = map(str, problems)
    assert broken.startswith("./own/broken.py cannot be imported: ZeroDivisionError")
    assert levels.startswith("./own/levels.py: class Half does not define degrade")
    assert "got ./own/my.model.py; folders and files have no other dot in their names" in dotted


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("./owm", "there is no folder ./owm in the project"),
        ("../own", "../own must lie in the project"),
        ("./own/readme.txt", "expected a folder in the project, got a regular file"),
    ],
)
def test_no_folder(own, uses, expected):
    """A name that means no folder of the project is refused."""
    with pytest.raises(DataError, match=expected):
        found_in(uses, own.root)

"""`adversity plugins ./own` and `adversity check ./own`: the plugins in a folder of the project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIM = '''\
from typing import ClassVar

from adversity import Degradation


class Dim(Degradation):
    """Make images darker."""

    name: ClassVar[str] = "dim"

    share: float = 0.5

    def degrade(self, images, rng):
        """Return darker images."""
        return images * self.share
'''


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one plugin and one helper, in the project in which we stand."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "project" / "own"
    folder.mkdir(parents=True)
    (tmp_path / "project" / ".dvc").mkdir()
    (folder / "dim.py").write_text(DIM)
    (folder / "levels.py").write_text("LEVELS = 4\n")
    monkeypatch.chdir(folder.parent)
    return folder


def test_folder_is_listed_and_checked(own: Path, call: Callable[..., Any]) -> None:
    """Each plugin stands there as a pipeline writes it, with its mark, which an edit makes stale."""
    assert "   ./own/dim.py:dim  Make images darker.\n" in call("plugins", "./own").out
    checked = call("check", "./own")
    assert (checked.code, "keeps its promises" in checked.out) == (0, True)
    assert " ✓ ./own/dim.py:dim  Make" in call("plugins", "./own").out
    (listed,) = json.loads(call("plugins", "./own", "--json").out)["plugins"]
    assert (listed["name"], listed["conformance"]["standing"]) == ("dim", "conforms")
    page = call("plugins", "./own/dim.py").out
    assert "./own/dim.py:dim   degradation\n" in page
    assert "share      number          0.5" in page
    assert "keeps its promises (20" in page
    assert 'in a pipeline:  {uses: "./own/dim.py:dim"}' in page
    (own / "dim.py").write_text(DIM.replace("0.5", "0.25"))
    assert " ~ ./own/dim.py:dim  Make" in call("plugins", "./own").out


@pytest.mark.parametrize("new", ["own/__init__.py", "own/dim/__init__.py"])
def test_mark_does_not_outlive_a_new_file(own: Path, call: Callable[..., Any], new: str) -> None:
    """Python runs an `__init__.py` above a plugin, and a package in the place of a module."""
    assert call("check", "./own").code == 0
    (own.parent / new).parent.mkdir(exist_ok=True)
    (own.parent / new).write_text(DIM)
    assert "✓" not in call("plugins", "./own").out


def test_what_cannot_be_used_is_said(own: Path, call: Callable[..., Any]) -> None:
    """The others are listed and tried all the same; where none is left, the exit code is 2."""
    (own / "broken.py").write_text("import nothing_here\n")
    listed = call("plugins", "./own")
    assert listed.code == 0
    assert "./own/dim.py:dim" in listed.out
    assert "✗ ./own/broken.py cannot be imported: ModuleNotFoundError" in listed.out
    checked = call("check", "./own")
    assert (checked.code, "✓ degradation/dim keeps its promises" in checked.out) == (1, True)
    assert "✗ ./own/broken.py cannot be imported: ModuleNotFoundError" in checked.out
    (left,) = json.loads(call("check", "./own", "--only", "alone", "--json").out)["unusable"]
    assert (left["kind"], left["name"]) == ("", "./own/broken.py")
    (own / "dim.py").unlink()
    assert call("plugins", "./own").code == 0
    for arguments in (("check", "./own"), ("plugins", "./own/broken.py")):
        answer = call(*arguments)
        assert (answer.code, answer.out) == (2, "")
        assert "./own/broken.py cannot be imported" in answer.err


def test_folder_whose_name_looks_like_a_file(own: Path, call: Callable[..., Any]) -> None:
    """What ends in `.py` is a file, and nothing else."""
    own.rename(own.with_name("my.pyfiles"))
    answer = call("check", "./my.pyfiles")
    assert (answer.code, "got ./my.pyfiles/dim.py; folders and files" in answer.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("plugins", "./owm"), "there is no folder ./owm in the project"),
        (("check", "./owm"), "there is no folder ./owm in the project"),
        (("plugins", "./own/levels.py"), "./own/levels.py: expected a plugin in one of its"),
        (("plugins", "./own/dim.py:Dmi"), "no class Dmi; did you mean Dim?"),
        (("plugins", "./nofile.py"), "there is no file ./nofile.py in the project"),
        (
            ("plugins", "./own", "--kind", "attack"),
            "./own: expected a plugin of kind attack in one",
        ),
        (("plugins", "./own/dim.py", "--kind", "attack"), "expected a plugin of kind attack in"),
        (("plugins", "./own", "--kind", "atack"), "unknown kind 'atack'; did you mean attack?"),
        (("check", "./own", "--kind", "atack"), "unknown kind 'atack'; did you mean attack?"),
        (("check", "./own", "--kind", "attack"), "./own: expected a plugin of kind attack in one"),
        (("plugins", "own/dim.py"), "begins with ./, did you mean ./own/dim.py?"),
        (("check", "./own/dim.py", "--kind", "atack"), "unknown kind of plugin 'atack'; did you"),
    ],
)
def test_name_that_means_nothing(
    own: Path, call: Callable[..., Any], arguments: tuple[str, ...], expected: str
) -> None:
    """One message, and exit code 2."""
    answer = call(*arguments)
    assert (answer.code, expected in answer.err) == (2, True), answer.err

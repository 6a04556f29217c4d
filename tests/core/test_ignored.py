"""DVC's rule for what it leaves out, compared with DVC's own answers."""

from __future__ import annotations

import warnings

import pytest

from adversity.errors import DataError
from adversity.ignored import Ignored

_RULES = {
    "names and folders": {
        ".dvcignore": "# comment\n\n*.tmp\nthumbs/\n/data/a/one.png\n!data/keep.tmp\n"
    },
    "order and again": {".dvcignore": "*.png\n!b/*.png\n*.png\n!one.png\n"},
    "stars": {".dvcignore": "data/**/deep.png\n**/b/*.txt\n"},
    "a file further down": {
        ".dvcignore": "*.png\n",
        "data/.dvcignore": "!one.png\nb/\n",
        "data/a/.dvcignore": "two.png  \n/deep/*.png\n",
    },
    "a folder, then a file in it": {".dvcignore": "data/a\n!data/a/one.png\n"},
    "a rule file that is left out": {".dvcignore": "data/.dvcignore\n", "data/.dvcignore": "*\n"},
}
_FILES = [
    "data/a/one.png",
    "data/a/two.png",
    "data/a/deep/deep.png",
    "data/a/deep/x.tmp",
    "data/b/one.png",
    "data/b/b/note.txt",
    "data/keep.tmp",
    "data/thumbs/one.png",
    "data/thumbs.png",
    "data/other/.dvc/config",
    "data/other/one.png",
    "data/.git",
    "data/a/.hg/store",
]


@pytest.fixture
def tree(tmp_path, request):
    """Return a project with these rules, and DVC's own filter."""
    from dvc.fs import localfs
    from dvc.ignore import DvcIgnoreFilter

    for name in [*_FILES, ".dvc/config"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    for name, text in request.param.items():
        (tmp_path / name).write_text(text)
    return tmp_path, DvcIgnoreFilter(localfs, str(tmp_path))


@pytest.mark.parametrize("tree", list(_RULES.values()), ids=list(_RULES), indirect=True)
def test_the_same_files_are_left_out_as_by_dvc(tree):
    """Every file of the tree is left out exactly where DVC's own walk does not come to it."""
    root, theirs = tree
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # DVC's trie library warns of its own calls
        seen = {
            f"{parent}/{name}"
            for parent, _, names in theirs.walk(_local(), str(root))
            for name in names
        }
    ours = Ignored(root)
    every = [path for path in root.rglob("*") if path.is_file()]
    assert {str(path) for path in every if ours.reason(path) is None} == seen
    assert 0 < len(seen) < len(every)


def _local():
    from dvc.fs import localfs

    return localfs


def test_the_rule_is_named_with_its_file_and_line(tmp_path):
    """The reason says which line of which file leaves a path out."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/.dvcignore").write_text("a.png\n*.png\n!b.png\n")
    ours = Ignored(tmp_path)
    assert ours.reason(tmp_path / "data/a.png") == "data/.dvcignore:2"
    assert ours.reason(tmp_path / "data/b.png") is None


def test_rules_of_a_dvc_repository_above_the_project_count(tmp_path):
    """Where DVC's root is a folder above, its rules reach into the project."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvcignore").write_text("/project/data/a.png\n")
    assert Ignored(tmp_path / "project").reason(tmp_path / "project/data/a.png") == ".dvcignore:1"


def test_a_rule_file_that_is_no_text_is_said(tmp_path):
    """A .dvcignore in another encoding is refused by name."""
    (tmp_path / ".dvcignore").write_bytes(b"\xff\xfe*")
    with pytest.raises(DataError, match=r"\.dvcignore: expected a text file in UTF-8"):
        Ignored(tmp_path).reason(tmp_path / "a.png")

"""A run that found nothing to do is said again at once, and never where anything changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

import adversity
from adversity.pipeline.make_plan import ENGINE
from adversity_flows.cli.terminal import Terminal
from adversity_flows.cli.unchanged import Question, Said
from adversity_flows.runs.file_stamps import newest_change, stamp, tree_stamp

EDITS = [
    (
        "run:",
        (
            "  attacked: {uses: attack/fgsm, from: test, against: predictions, with: {eps: 8/255}}\n"
            "gates:\n  - predictions.accuracy >= 0.001\nrun:"
        ),
    )
]
HEAVY = ("torch", "dvc", "prefect", "pydantic", "numpy")
CALL = (
    "import sys; from adversity_flows.cli import main; code = main(); "
    f"sys.stderr.write('heavy:' + ','.join(n for n in {HEAVY!r} if n in sys.modules)); "
    "sys.exit(code)"
)
SETTLED = 2.2
"""Seconds after which a file is trusted not to change any more within its time stamp."""


def run(root, environment, *options):
    """Run the pipeline in a process of its own; return code, output, and what it imported."""
    arguments = [sys.executable, "-c", CALL, "run", "pipelines/shots.yaml", "--direct", *options]
    done = subprocess.run(
        arguments, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    err, _, heavy = done.stderr.rpartition("heavy:")
    return done.returncode, done.stdout, err, heavy


def record_of(root):
    """Return the one file in which an unchanged run is kept, and its content."""
    (file,) = (root / ".adversity" / "unchanged").iterdir()
    return file, json.loads(file.read_text())


def answers(root):
    """Say whether the run that is kept would be said again, as its own call asks."""
    file, record = record_of(root)
    question = Question(str(root), str(root / "pipelines" / "shots.yaml"), record["key"])
    assert question._file == file
    return question.answer() is not None


def stamp_again(root):
    """Keep the run with the files as they are now."""
    file, record = record_of(root)
    record["files"] = {path: stamp(path) for path in record["files"]}
    record["trees"] = {path: tree_stamp(path) for path in record["trees"]}
    file.write_text(json.dumps(record))


def same_time(path, write):
    """Change a file and give it its old date back, as `cp -p` and `touch -r` do."""
    before = path.stat()
    write(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(path):
    """Change one byte in the middle; the size stays."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.slow
def test_nothing_to_do_is_said_again_until_something_changes(
    shots_template, child_environment, monkeypatch
):
    """The same words without torch, DVC or Prefect; each kind of input that changes ends it.

    Then the real command is done as ever, and a changed image has its steps run.
    """
    root = shots_template
    monkeypatch.chdir(root)
    time.sleep(SETTLED)
    first = run(root, child_environment)
    assert first[0] == 0, first
    assert "dvc" in first[3]
    again = run(root, child_environment)
    assert again[3] == ""
    took = re.compile(r"nothing had changed, [\d.]+ s")
    for before, after in zip(first[:3], again[:3], strict=True):
        assert took.sub("", str(before)) == took.sub("", str(after))
    assert took.search(again[1])
    assert "✓ attacked     unchanged" in again[2]
    quiet = run(root, child_environment, "--quiet")  # another call: done, and not said again
    assert "dvc" in quiet[3]

    run(root, child_environment)  # one call is kept, the last
    _, record = record_of(root)
    core = Path(adversity.__file__).parent
    sources = [file for name in ENGINE for file in (core / name, *(core / name).rglob("*.py"))]
    computing = {str(file) for file in sources if file.suffix == ".py" and file.is_file()}
    assert computing
    assert computing <= record["files"].keys()  # every source that a key has is looked at
    assert answers(root)
    (page,) = (root / "runs").glob("2*/report.html")
    changes = {
        "an image": lambda: same_time(root / "data/test/dark/1.png", flip),
        "a new image": lambda: shutil.copy(
            root / "data/test/dark/1.png", root / "data/test/dark/9.png"
        ),
        "an image less": (root / "data/test/dark/9.png").unlink,
        "the pipeline": lambda: same_time(root / "pipelines/shots.yaml", flip),
        "an artifact": lambda: same_time(
            next((root / "artifacts/shots/predictions").rglob("*.parquet")), flip
        ),
        "a metric of DVC": lambda: same_time(root / "metrics/shots/predictions.json", flip),
        "an artifact gone": lambda: shutil.rmtree(root / "artifacts/shots/attacked"),
        "the lock": lambda: same_time(root / "dvc.lock", flip),
        "the page": lambda: same_time(page, flip),
        "the accepted run": (root / "runs/accepted/shots.json").unlink,
        "the ledger": lambda: shutil.rmtree(root / "runs/ledger"),
        "another run": (root / "runs/29990101-000000-shots").mkdir,
        "what DVC ignores": lambda: (root / "data/.dvcignore").write_text("*.png"),
        "what is resolved": lambda: flip(root / "pipelines/.resolved/shots.yaml"),
        "a nearer project": (root / "pipelines/.dvc").mkdir,
    }
    for what, change in changes.items():
        stamp_again(root)
        assert answers(root), what
        change()
        assert not answers(root), what


@pytest.mark.slow
def test_a_run_that_did_something_is_not_kept(shots, child_environment):
    """Its own files are newer than its start, and whoever changed them last cannot be told."""
    for before, after in EDITS:
        shots.edit(before, after)
    assert run(shots.root, child_environment)[0] == 0
    assert not (shots.root / ".adversity" / "unchanged").exists()


@pytest.fixture
def heard(monkeypatch):
    """Let this process listen, as one that began a minute ago and read nothing."""

    class Nothing:
        paths: frozenset[str] = frozenset()

    monkeypatch.setattr("adversity_flows.cli.unchanged._heard", Nothing())
    monkeypatch.setattr("adversity_flows.cli.unchanged._sources", lambda: iter(()))
    monkeypatch.setattr("adversity_flows.cli.unchanged.sys.path", [])


SAID = Said(("before",), ("after",), "PASS", "report: page", 0)


def ask(root, *options):
    """Return the question of a project with a pipeline."""
    terminal = Terminal(sys.stderr, colour=False, tty=False, live=False, width=80, unicode=True)
    return Question.of(str(root / "p.yaml"), options, terminal)


@pytest.mark.usefixtures("heard")
def test_what_is_newer_than_the_start_is_not_kept(tmp_path, monkeypatch):
    """An input that changed while the run read it, or within two seconds before, keeps nothing."""
    (tmp_path / ".dvc").mkdir()
    data = tmp_path / "image.png"
    data.write_bytes(b"1")
    changed = newest_change(stamp(str(data)))
    second = 1_000_000_000
    for start, kept in (
        (changed - 5, False),
        (changed + second, False),
        (changed + 3 * second, True),
    ):
        monkeypatch.setattr("adversity_flows.cli.unchanged.STARTED_NS", start)
        assert ask(tmp_path).keep(SAID, [], [data]) == kept
    assert ask(tmp_path).answer() == SAID
    assert ask(tmp_path, "--strict").answer() is None
    monkeypatch.setenv("ADVERSITY_BLOCK", "acme")
    assert ask(tmp_path).answer() is None
    monkeypatch.delenv("ADVERSITY_BLOCK")
    monkeypatch.setenv("SSH_AUTH_SOCK", "another window")
    assert ask(tmp_path).answer() == SAID


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"key": 1}'])
def test_a_damaged_record_is_none(tmp_path, text):
    """Whatever stands there, the run is done as ever."""
    (tmp_path / ".dvc").mkdir()
    question = ask(tmp_path)
    question._file.parent.mkdir(parents=True)
    question._file.write_text(text)
    assert question.answer() is None
    question._file.write_text(json.dumps({"key": question.key, "said": asdict(SAID), "files": []}))
    assert question.answer() is None


def test_nobody_who_calls_main_with_arguments_is_answered(tmp_path):
    """In a process of others nobody knows what was read before."""
    (tmp_path / ".dvc").mkdir()
    assert ask(tmp_path) is None


def test_a_stamp_sees_what_size_and_date_do_not(tmp_path):
    """Same size, same date, same name: another byte, another inode, another link are seen."""
    file = tmp_path / "a"
    file.write_bytes(b"12")
    link = tmp_path / "link"
    link.symlink_to("a")
    for change in (
        lambda: same_time(file, lambda path: path.write_bytes(b"21")),
        lambda: (shutil.copy2(file, tmp_path / "b"), (tmp_path / "b").replace(file)),
    ):
        before, through = stamp(str(file)), stamp(str(link))
        time.sleep(0.02)  # a file system counts time in ticks of some milliseconds
        change()
        assert stamp(str(file)) != before
        assert stamp(str(link)) != through
    assert stamp(str(tmp_path / "none")) is None
    dangling = tmp_path / "dangling"
    dangling.symlink_to("none")
    assert stamp(str(dangling))[-1] is None


def test_a_tree_is_all_that_is_in_it(tmp_path):
    """A file deep down, a new one, one less, and a folder behind a link; a ring is refused."""
    deep = tmp_path / "tree" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c").write_bytes(b"1")
    (tmp_path / "other").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "other")
    seen = [tree_stamp(str(tmp_path / "tree"))]
    for change in (
        lambda: (deep / "c").write_bytes(b"2"),
        lambda: (deep / "d").write_bytes(b""),
        lambda: (deep / "d").unlink(),
        lambda: (tmp_path / "other" / "e").write_bytes(b""),
    ):
        time.sleep(0.02)
        change()
        seen.append(tree_stamp(str(tmp_path / "tree")))
    assert len({json.dumps(one) for one in seen}) == 5
    (deep / "ring").symlink_to(tmp_path / "tree")
    with pytest.raises(OSError, match="folders deep"):
        tree_stamp(str(tmp_path / "tree"))


def test_files_that_are_opened_to_read_are_heard(tmp_path):
    """Those that are read or are not there, and none that is written; in a process of its own."""
    code = (
        "import os, sys, pathlib, contextlib\n"
        "from adversity_flows.runs.file_stamps import FilesRead\n"
        "heard = FilesRead()\n"
        "pathlib.Path('written').write_text('x')\n"
        "pathlib.Path('written').with_suffix('.2').touch()\n"
        "with contextlib.suppress(OSError): open('none')\n"
        "os.close(os.open(sys.executable, os.O_RDONLY))\n"
        "print([os.path.basename(p) for p in sorted(heard.paths)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'none'" in done.stdout
    assert Path(sys.executable).name in done.stdout
    assert "written" not in done.stdout

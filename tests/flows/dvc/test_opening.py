"""Opening a project's memory: what it needs there, and what it sets for this clone."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from adversity.errors import InputError
from adversity_flows.dvc.recorder import DvcRecorder


def test_plots_are_drawn_on_a_page_that_needs_no_network(project):
    """The page is set for this clone alone, made again where it is gone, and another one kept."""
    page = project / ".dvc/tmp/adversity-plots.html"
    with DvcRecorder.open(project) as memory:
        memory.keep_plots_page()
        memory.keep_plots_page()
    assert "html_template = tmp/adversity-plots.html" in (project / ".dvc/config.local").read_text()
    text = page.read_text(encoding="utf-8")
    assert "vegaEmbed" in text
    assert "<script src" not in text
    assert [text.count(place) for place in ("{plot_divs}", "{refresh_tag}", "{scripts}")] == [
        1,
        1,
        0,
    ]
    page.unlink()
    with DvcRecorder.open(project) as memory:
        memory.keep_plots_page()
    assert page.is_file()
    (project / ".dvc/config.local").write_text("[plots]\n    html_template = mine.html\n")
    with DvcRecorder.open(project) as memory:
        memory.keep_plots_page()
    assert "mine.html" in (project / ".dvc/config.local").read_text()


@pytest.mark.parametrize(
    ("lacks", "commands"),
    [((".git", ".dvc"), "git init && dvc init"), ((".dvc",), "dvc init")],
)
def test_a_folder_without_git_or_dvc_is_refused_with_what_mends_it(project, lacks, commands):
    """The message holds the commands that make the repository."""
    for name in lacks:
        shutil.rmtree(project / name)
    with pytest.raises(InputError, match=f"cd {project} && {commands}`"):
        DvcRecorder.open(project)


def test_git_worktrees_count_as_repositories(project, tmp_path):
    """In a worktree `.git` is a file; the memory opens all the same."""
    tree = tmp_path / "tree"
    subprocess.run(["git", "worktree", "add", "--quiet", str(tree)], cwd=project, check=True)
    DvcRecorder.open(tree).close()

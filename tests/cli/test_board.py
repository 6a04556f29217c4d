"""`adversity board`: a site over the runs of a project."""

from __future__ import annotations

import json

import pytest


def test_an_empty_project_says_what_to_do(call, project):
    """One sentence, and a page that says it, too."""
    answer = call("board", "--output", "site")
    assert answer.code == 0, answer.err
    assert "no run is here yet" in answer.out
    assert "No run is here yet" in (project / "site" / "index.html").read_text()
    assert json.loads(call("board", "--json").out)["boards"] == []


def test_a_damaged_run_is_named_and_left_out(call, project):
    """The board does not fall with it."""
    folder = project / "runs" / "20260101-000000-tiny"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{broken")
    document = json.loads(call("board", "--json").out)
    assert "20260101-000000-tiny" in document["left_out"][0]


@pytest.mark.slow
def test_two_runs_stand_on_one_board(call, project):
    """Each with its rank and a link that leads to its report; a second net is a rival."""
    for epochs in (1, 3):
        run = call(
            "run", "pipelines/tiny.yaml", "--direct", "--set", f"steps.net.with.epochs={epochs}"
        )
        assert run.code == 0, run.err
    answer = call("board", "-o", "site/board")
    assert answer.code == 0, answer.err
    document = json.loads((project / "site/board/board.json").read_text())
    titles = {(one["fields"]["threat"], len(one["entries"])) for one in document["boards"]}
    assert titles == {
        ("none", 2), ("linf, eps 4/255, white-box", 2), ("linf, eps 16/255, white-box", 2)
    }  # fmt: skip
    clean = next(one for one in document["boards"] if one["fields"]["threat"] == "none")
    epochs = {entry["settings"]["net.with.epochs"] for entry in clean["entries"]}
    assert epochs == {"1", "3"}
    assert all(clean["rankings"][0]["best"])
    page = (project / "site/board/index.html").read_text()
    for entry in clean["entries"]:
        link = f"../../runs/{entry['run']}/report.html"
        assert f'href="{link}"' in page
        assert (project / "site/board" / link).resolve().is_file()
        result = project / "site/board" / document["runs"][entry["run"]]["result"]
        assert "details" in result.read_text(), "what the board leaves out stands there"
    assert "tied with" in answer.out

"""`adversity ledger`, and how runs fill the ledger."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest

from adversity.data.ledger import Entry, Ledger

EPS = 8 / 255


def entry(step, wrong, *, pipeline="nightly", eps=EPS, **given):
    """Return what an attack did to four samples, one of them wrong from the start."""
    right = np.array([True, True, True, False])
    facts = {"plugin": "attack/pgd", "step": step, "parameters": {"eps": eps}, "seed": 0}
    facts |= {"knowledge": "white-box", "norm": "linf", "eps": eps, "threat": "norm"}
    facts |= {"bounds": {}, "space": None} | given
    rows = {
        "sample": np.array(list("abcd"), dtype=object),
        "label": np.arange(4) % 2,
        "start_correct": right,
        "wrong": right & np.array([letter == "x" for letter in wrong]),
        "distance": np.full(4, 0.01),
    }
    names = {"pipeline": pipeline, "cell": "", "victim": "small_cnn", "data": "digits"}
    key = hashlib.sha256(f"{step}{pipeline}".encode()).hexdigest()
    return Entry("f" * 64, "d" * 64, key, facts, rows, names)


@pytest.fixture
def book(project):
    """Return the project's ledger with two attacks in it."""
    ledger = Ledger(project / "runs" / "ledger")
    ledger.add(entry("strong", "xx.."))
    ledger.add(entry("scores", "x.x.", pipeline="weekly"))
    return ledger


def test_an_empty_ledger_says_how_it_is_filled(call, project):
    """No attack on record is no error; a pipeline that never ran is told apart."""
    answer = call("ledger")
    assert answer.code == 0
    assert "no attack is on record" in answer.out
    assert "adversity run PIPELINE" in answer.out
    assert "adversity run pipelines/tiny.yaml" in call("ledger", "pipelines/tiny.yaml").out
    assert json.loads(call("ledger", "--json").out)["pages"] == []


def test_each_budget_has_a_line_and_names_who_found_what(call, book):
    """Of four images one is wrong from the start and three fell: nothing is left."""
    lines = call("ledger").out.splitlines()
    assert lines[0].startswith("small_cnn")
    assert lines[1] == "on digits; 2 attacks on record"
    assert lines[3].split() == ["L∞", "8/255", "0.000", "[0.000,", "0.490]", "4", "2"]
    assert lines[4].strip() == "found by nightly: strong 2 (1 alone), weekly: scores 2 (1 alone)"


def test_json_is_one_document(call, book):
    """Keys, the worst case as a measure, and every attack with what it is."""
    document = json.loads(call("ledger", "--json").out)
    (page,) = document["pages"]
    assert page["victim"] == {"key": "f" * 64, "is": "small_cnn"}
    (worst,) = page["worst_cases"]
    assert worst["threat"] == {"norm": "linf", "eps": EPS}
    assert (worst["robust_accuracy"]["value"], worst["robust_accuracy"]["n"]) == (0.0, 4)
    assert sorted(attack["step"] for attack in page["attacks"]) == ["scores", "strong"]


def test_attacks_without_a_budget_have_no_worst_case(call, project):
    """A search that counts any distance says nothing by itself, and that is said."""
    Ledger(project / "runs" / "ledger").add(entry("near", "xxx.", eps=None, threat="minimum"))
    assert "no attack has a budget" in call("ledger").out


def test_a_damaged_file_ends_the_command(call, book, refused):
    """One message with the file's name; the sound entries are not shown as if they were all."""
    next(book.root.rglob("*.parquet")).write_bytes(b"PAR1 no more")
    refused(call("ledger"), "runs/ledger", "is damaged", "delete it", code=3)


@pytest.mark.slow
def test_a_project_that_ran_before_fills_its_ledger_when_nothing_changed(call, project):
    """Steps found unchanged are entered too; what DVC tracks does not move."""
    assert call("run", "pipelines/tiny.yaml", "--direct").code == 0
    ledger = project / "runs" / "ledger"
    first = {path.relative_to(ledger): path.read_bytes() for path in ledger.rglob("*.parquet")}
    assert len(first) == 2  # one for each eps
    lock = (project / "dvc.lock").read_bytes()
    shutil.rmtree(ledger)
    answer = call("run", "pipelines/tiny.yaml", "--direct")
    assert "nothing had changed" in answer.out
    again = {path.relative_to(ledger): path.read_bytes() for path in ledger.rglob("*.parquet")}
    assert again == first
    assert (project / "dvc.lock").read_bytes() == lock
    shown = call("ledger", "pipelines/tiny.yaml").out
    assert "L∞ 4/255" in shown
    assert "L∞ 16/255" in shown


@pytest.mark.slow
def test_another_pipeline_on_the_same_victim_makes_a_run_worth_telling_again(call, project):
    """Nothing of its own changed, but its worst case is over one attack more."""
    assert call("run", "pipelines/tiny.yaml", "--direct").code == 0
    other = (project / "pipelines/tiny.yaml").read_text()
    other = other.replace("name: tiny", "name: other").replace("  attacked:", "  noise:")
    other = other.replace("attack/fgsm", "attack/random_noise")
    (project / "pipelines/other.yaml").write_text(other)
    assert call("run", "pipelines/other.yaml", "--direct").code == 0
    page = json.loads(call("ledger", "--json").out)["pages"]
    assert [len(found["attacks"]) for found in page] == [4]
    assert "nothing had changed" not in call("run", "pipelines/tiny.yaml", "--direct").out
    assert "nothing had changed" in call("run", "pipelines/tiny.yaml", "--direct").out

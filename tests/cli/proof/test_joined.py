"""`adversity explain` and `audit --recompute` of numbers that hold attacks against each other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from adversity.contracts import Measure
from adversity.pipeline.plan.engine_measures import AFTERWARDS
from adversity_flows.cli import main
from adversity_flows.proof import of_ledger, recompute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "pipelines/joined.yaml"
EARLIER = "pipelines/earlier.yaml"
HEAD = """\
name: {name}
data:
  train: {{uses: dataset/folder, with: {{path: data/train}}}}
  test: {{uses: dataset/folder, with: {{path: data/test}}}}
  held: {{uses: dataset/folder, with: {{path: data/held}}}}
matrix:
  eps: [8/255, 24/255]
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 2, width: 4}}}}
  smoothed: {{uses: restoration/median, from: test}}
  answer: {{uses: net, from: smoothed}}
"""
PIPELINE = (
    HEAD.format(name="joined")
    + """\
  held_smoothed: {uses: restoration/median, from: held}
  known: {uses: net, from: held_smoothed}
  rule: {uses: uncertainty/threshold, fit_on: known, with: {score: entropy, rejects: 0.2}}
  taken: {uses: rule, from: answer}
  pgd: {uses: attack/pgd, from: test, against: answer, with: {eps: $eps, steps: 3}}
  hasty: {uses: attack/pgd, from: test, against: answer, with: {eps: $eps, steps: 1}}
  grey:
    {uses: attack/pgd, from: test, against: answer, knowledge: grey-box, with: {eps: $eps, steps: 2}}
  asks: {uses: attack/random_noise, from: test, against: answer, with: {eps: $eps}}
  unsure:
    uses: attack/fgsm
    from: test
    against: taken
    objective: look_unsure
    with: {eps: $eps}
run: {shard_size: 4}
"""
)
BEFORE = (
    HEAD.format(name="earlier")
    + "  fgsm: {uses: attack/fgsm, from: test, against: answer, with: {eps: $eps}}\n"
)
LARGE = "[eps=24/255]"
WORST = f"pgd.worst_case_robust_accuracy{LARGE}"
COMPARED = {
    "beaten_by_black_box_share": "pgd",
    "beaten_by_grey_box_share": "pgd",
    "fooled_with_less_share": "pgd",
    "weaker_with_more_share": "pgd",
}
EACH = COMPARED | {"worst_case_robust_accuracy": "pgd", "worst_case_success": "unsure"}


@pytest.fixture(scope="session")
def joined_template(
    tmp_path_factory: pytest.TempPathFactory, drawn: Callable[[Path, str, int], None]
) -> Path:
    """A project after two pipelines attacked the same victim, made once; tests copy it."""
    root = tmp_path_factory.mktemp("joined") / "trial"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adversity.report.charts.chart_style._drawn", lambda *_: "<svg></svg>")
        patch.setenv("OMP_NUM_THREADS", "1")
        assert main(["init", str(root)]) == 0
        (root / "pipelines" / "first_look.yaml").unlink()
        (root / FILE).write_text(PIPELINE, encoding="utf-8")
        (root / EARLIER).write_text(BEFORE, encoding="utf-8")
        drawn(root, "data/train", 12)
        drawn(root, "data/held", 12)
        drawn(root, "data/test", 4)
        patch.chdir(root)
        assert main(["run", EARLIER, "--direct"]) == 0
        assert main(["run", FILE, "--direct"]) == 0
    return root


@pytest.fixture
def project(joined_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, and stand in it."""
    root = tmp_path / "trial"
    shutil.copytree(joined_template, root, symlinks=True)
    monkeypatch.chdir(root)
    return root


def explained(call: Callable[..., Any], figure: str, code: int = 0, run: str = FILE) -> Any:
    """Return what `explain --json` says of a number."""
    answer = call("explain", run, figure, "--json")
    assert answer.code == code, answer
    return json.loads(answer.out)


def test_these_are_all_that_no_step_measures() -> None:
    """One more of them needs a test here."""
    assert set(EACH) == AFTERWARDS


@pytest.mark.parametrize("name", sorted(EACH))
def test_a_number_of_several_attacks_is_formed_again(
    project: Path, call: Callable[..., Any], name: str
) -> None:
    """From the stored tables and from those computed once more, and the attacks are named."""
    found = explained(call, f"{EACH[name]}.{name}{LARGE}")
    assert found["holds"] is True
    assert found["sentence"].startswith("equal to the last bit")
    for made in ("from_table", "from_data"):
        for key in ("value", "n", "low", "high"):
            assert found[made][key] == found["reported"][key]
    links = {link["name"] for link in found["links"]}
    others = {
        "beaten_by_black_box_share": {"asks[eps=24/255]", "asks[eps=8/255]"},
        "beaten_by_grey_box_share": {"grey[eps=24/255]", "grey[eps=8/255]"},
        "fooled_with_less_share": {"pgd[eps=8/255]"},
        "weaker_with_more_share": {"hasty[eps=24/255]"},
        "worst_case_robust_accuracy": {"asks[eps=8/255]", "grey[eps=24/255]", "hasty[eps=8/255]"},
        "worst_case_success": {"unsure[eps=8/255]"},
    }
    assert others[name] <= links
    assert found["rows"]["count"] == 8 * (1 + len({one for one in links if "[" in one}))
    assert project.is_dir()


def test_what_a_number_is_held_against_is_all_that_is_computed(
    project: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No attack that says nothing of it, and no cell twice."""
    computed: list[tuple[str, int]] = []
    compute = recompute._computed

    def counted(part: Any, stage: Any, *rest: Any) -> Any:
        computed.append((stage.step, len(part.plan.steps[stage.step].cells)))
        return compute(part, stage, *rest)

    monkeypatch.setattr(recompute, "_computed", counted)
    explained(call, f"pgd.weaker_with_more_share{LARGE}")
    assert {
        name: cells for name, cells in computed if name in ("pgd", "hasty", "grey", "asks")
    } == {
        "pgd": 1,
        "hasty": 1,
    }
    computed.clear()
    answer = call("audit", FILE, "--recompute")
    assert answer.code == 0, answer.out
    assert len(computed) == len(dict(computed))
    assert "left out" not in answer.out
    assert project.is_dir()


@pytest.mark.slow
def test_an_image_a_table_and_a_parameter_are_named(
    project: Path, call: Callable[..., Any], flip: Callable[[Path], None]
) -> None:
    """Also where they are those of an attack that the number is held against."""
    figure = f"pgd.beaten_by_black_box_share{LARGE}"
    file, text = project / FILE, (project / FILE).read_text()
    file.write_text(text.replace("steps: 2}", "steps: 4}"))
    assert explained(call, figure)["holds"] is True  # that of the grey box, which it is not made of
    file.write_text(text)
    [place] = project.glob("runs/*joined*/tables/asks.parquet")
    before = place.read_bytes()
    flip(place)
    found = explained(call, figure, 1)
    assert "table asks: tables/asks.parquet is damaged" in found["sentence"]
    assert found["from_data"]["value"] == found["reported"]["value"]
    assert found["from_table"] is None
    place.write_bytes(before)
    flip(project / "data/test/light/1.bmp")
    for name in ("beaten_by_black_box_share", "worst_case_robust_accuracy"):
        found = explained(call, f"pgd.{name}{LARGE}", 1)
        assert "data data/test: light/1.bmp changed" in found["sentence"]
        assert set(found["rows"]["differ"]) == {"light/1.bmp"}
    answer = call("audit", FILE, "--recompute")
    assert answer.code == 1
    assert "data/test: light/1.bmp changed" in answer.out.splitlines()[-1]


@pytest.mark.slow
def test_an_attack_on_record_is_named_that_is_damaged_or_gone(
    project: Path, call: Callable[..., Any], flip: Callable[[Path], None]
) -> None:
    """What an earlier run found counts as it did then; later attacks on the same victim do not."""
    entries = explained(call, WORST)["reported"]["details"]["entries"]
    assert len(entries) == 2
    text = (project / EARLIER).read_text().replace("name: earlier", "name: later")
    (project / "pipelines/later.yaml").write_text(text.replace("[8/255, 24/255]", "[20/255]"))
    assert call("run", "pipelines/later.yaml", "--direct").code == 0
    assert explained(call, WORST)["holds"] is True
    assert call("audit", FILE).code == 0
    [place] = project.glob(f"runs/ledger/*/*/{entries[0]}.parquet")
    kept = place.read_bytes()
    flip(place)
    found = explained(call, WORST, 1)
    assert f"ledger {entries[0]}: its file in " in found["sentence"]
    assert "is damaged; put it back from a copy" in found["sentence"]
    place.unlink()
    found = explained(call, WORST, 1)
    assert f"ledger {entries[0]}: expected its file in " in found["sentence"]
    answer = call("audit", FILE)
    assert answer.code == 1
    assert f"ledger {entries[0]}: expected its file" in answer.out.splitlines()[-1]
    place.write_bytes(kept)
    assert call("audit", FILE).code == 0


def test_a_run_of_an_earlier_version_is_told_to_be_made_anew(
    project: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did not record which attacks of other runs counted; without any it need not."""
    measure = Measure.from_json(explained(call, WORST)["reported"])
    assert measure.details["earlier"] == 2
    before = {name: value for name, value in measure.details.items() if name != "entries"}
    assert of_ledger.is_recorded(measure)
    assert not of_ledger.is_recorded(replace(measure, details=before))
    assert of_ledger.is_recorded(replace(measure, details=before | {"earlier": 0}))
    for module in ("explain", "again", "of_ledger"):
        monkeypatch.setattr(f"adversity_flows.proof.{module}.is_recorded", lambda _: False)
    found = explained(call, WORST, 1)
    assert found["sentence"].startswith("this number cannot be computed again: expected a run that")
    answer = call("audit", FILE, "--recompute")
    assert answer.code == 0, answer.out
    assert "; the worst case was left out: the run did not record what it rests on" in answer.out
    assert "not recorded: on which attacks of earlier runs" in answer.out
    assert project.is_dir()


@pytest.mark.slow
def test_numbers_of_several_attacks_are_explained_where_they_were_pulled(
    project: Path,
    call: Callable[..., Any],
    git: Callable[..., None],
    refused: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By DVC's record what a commit has of them; the worst case where the run and the ledger are."""

    def dvc(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", "-q", *arguments], check=True)

    dvc("remote", "add", "--default", "here", str(tmp_path / "remote"))
    dvc("add", "data/train", "data/held", "data/test")
    git("add", "-A")
    git("commit", "-q", "-m", "a run")
    dvc("push")
    git("clone", "-q", ".", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    dvc("pull")
    for name, step in COMPARED.items():
        assert explained(call, f"{step}.{name}{LARGE}", run=FILE)["holds"] is True
    refused(call("explain", FILE, WORST), "rests on the ledger of the machine that ran")
    [run] = project.glob("runs/*joined*")
    shutil.copytree(run, tmp_path / "clone" / "runs" / run.name)
    found = explained(call, WORST, 1)
    assert "of the ledger here, got none" in found["sentence"]
    success = explained(call, f"unsure.worst_case_success{LARGE}")
    assert success["holds"] is True
    shutil.copytree(project / "runs/ledger", tmp_path / "clone/runs/ledger")
    assert explained(call, WORST)["holds"] is True

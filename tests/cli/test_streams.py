"""Standard streams that are closed, full, or whose reader went away."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SAYING = """
import os, sys
import adversity_flows.cli as cli

def command(_):
    first = open("kept.txt", "w")
    sys.stderr.write("progress\\n" * 4)
    os.write(2, b"a library's own message\\n")
    print("result")
    first.write("ours")
    first.close()
    return 1

cli._call = command
sys.argv[1:] = []
sys.exit(cli.main())
"""
"""A command that works on a file and speaks, in the process of the command line."""


def in_shell(redirection: str, folder, environment, program: str = SAYING):
    """Run the program as a shell does with a redirection; return its exit code and answer."""
    line = f'"$0" -c "$1" {redirection}\necho "code $?"'
    answer = subprocess.run(
        ["bash", "-c", line, sys.executable, program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said, _, code = answer.stdout.rpartition("code ")
    return int(code), said, answer.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- 2>&-", ">&- 2>&- <&-"])
def test_what_nobody_reads_changes_no_exit_code(redirection, tmp_path, child_environment):
    """Closed streams are like the null device: nothing of them lands in the next file opened."""
    code, said, err = in_shell(redirection, tmp_path, child_environment)
    assert code == 1
    assert (tmp_path / "kept.txt").read_text() == "ours"
    assert said == ("" if ">&- 2" in redirection else "result\n")
    assert err == ""


def test_a_run_goes_on_when_the_reader_of_its_progress_went_away(tmp_path, child_environment):
    """With `2>&1 >/dev/null | true` the command ends with its own exit code."""
    code, _, _ = in_shell(
        "2> >(exec true) >/dev/null", tmp_path, child_environment, f"import time\n{SAYING}"
    )
    assert code == 1
    assert (tmp_path / "kept.txt").read_text() == "ours"


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"]])
def test_a_reader_of_results_that_went_away_is_141(arguments, child_environment):
    """Exit code 1 means a gate: click's own answer to a broken pipe is not passed on."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        answer = subprocess.run(
            [
                sys.executable,
                "-c",
                "from adversity_flows.cli import main as m; exit(m())",
                *arguments,
            ],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=child_environment,
            check=False,
        )
    finally:
        os.close(writer)
    assert (answer.returncode, answer.stderr) == (141, b"")

"""`adversity init`: a project of one's own that runs at once."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import click

from adversity_flows.cli.command import Command, colour_choice

__all__ = ["init"]

FILES = {
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".dvcignore": "dvcignore",
    ".dvc/config": "dvc_config",
    ".dvc/.gitignore": "dvc_gitignore",
    "data/README.md": "data.md",
    "pipelines/first_look.yaml": "first_look.yaml",
}
"""Every file of a new project, and its template."""


@click.command(cls=Command)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--author", metavar="NAME", default="", help="Who stands in the README.")
def init(folder: Path, author: str) -> None:
    """Make a project of your own that runs at once.

    DIR is made, or must be empty. It gets a git and a DVC repository and a small pipeline on
    handwritten digits.

    \b
    Example:
      adversity init trial --author "A. Author"
    """
    from adversity.registry.quoting import visible
    from adversity_flows.cli.terminal import Terminal

    if (
        ".." in folder.parts
    ):  # with `new/../..` what is looked at is not there yet, and is once made
        folder = Path(os.path.realpath(folder))
    _refuse_used(folder)
    _write(folder, author.strip())
    out = Terminal.stdout(colour=colour_choice())
    err = Terminal.of(colour=colour_choice())
    shown = visible(str(folder))
    out.say(f"{out.paint('✓', 'green')} {shown}: a project with pipelines/first_look.yaml")
    if not _git_init(folder):
        err.say(
            "  ! git is not installed, and a run needs it: install it, then "
            f"`cd {shown} && git init`"
        )
    out.say(f"\nNext:\n  cd {shown}\n  adversity run pipelines/first_look.yaml")


def _refuse_used(folder: Path) -> None:
    from adversity.errors import InputError
    from adversity_flows.dvc.repository import refuse_unfit_path

    refuse_unfit_path(folder)
    try:
        used = folder.is_dir() and any(folder.iterdir())
    except OSError as error:
        raise _cannot_be(folder, error) from error
    if used:
        raise InputError(
            f"{folder}: expected a new or an empty folder, got one with files in it; name another "
            "folder, or turn this one into a project with "
            f"`cd {folder} && git init && dvc init`"
        )


def _write(folder: Path, author: str) -> None:
    from importlib.resources import files

    templates = files("adversity_flows") / "templates" / "project"
    try:
        for name, template in FILES.items():
            text = (templates / template).read_text(encoding="utf-8")
            if name == "README.md":
                text = text.replace("$title", folder.resolve().name)
                text = text.replace("$byline\n", f"By {author}.\n\n" if author else "")
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _cannot_be(folder, error) from error


def _cannot_be(folder: Path, error: OSError) -> Exception:
    """Say why a project cannot be there; a path that is too long is whoever typed it to correct."""
    from adversity.errors import InputError, StorageError

    if error.errno == errno.ENAMETOOLONG:
        text = str(folder)
        return InputError(
            f"expected a shorter path of the project, got {len(text)} characters, {text[:40]}...: "
            "the file system takes no name that long; name another folder"
        )
    return StorageError(
        f"cannot write the project {folder}: {error.strerror or error}; name another folder"
    )


def _git_init(folder: Path) -> bool:
    """Make a git repository; return False where git is not installed."""
    from adversity.errors import RunError

    program = shutil.which("git")
    if program is None:
        return False
    answer = subprocess.run(
        [program, "init", "--quiet", "."], cwd=folder, capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise RunError(f"`git init` in {folder} failed: {answer.stderr.strip()}")
    return True

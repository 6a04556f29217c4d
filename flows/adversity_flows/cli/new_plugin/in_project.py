"""A plugin as a file of the user's project: what is asked, written, and said of it.

The file is the template's plugin without the distribution around it; what it imports from its own
package it imports with a leading dot. Nothing that lies in the project is ever written over.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from adversity.errors import InputError, StorageError, UnknownPluginError
from adversity_flows.cli.new_plugin.answers import QUESTIONS, owner_of, plain_name
from adversity_flows.cli.new_plugin.files import class_fault, plugin_words, templates
from adversity_flows.cli.new_plugin.filling import filled, name_words, wrapped
from adversity_flows.cli.project import find_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adversity_flows.cli.new_plugin.answers import Known, Question

__all__ = [
    "FOLDER",
    "QUESTIONS_IN_PROJECT",
    "class_of",
    "render_in_project",
    "step_line",
    "write_in_project",
]

FOLDER = "plugins"
"""Where the plugins of a project lie, in a project that has this folder."""
_SOURCE = "src/{{package}}/"
_NOT_ASKED = ("author", "email", "distribution")


def render_in_project(answers: Mapping[str, str]) -> dict[str, str]:
    """Return every file that the project gets, by its name; that of the plugin is the first.

    Args:
        answers: To the questions of this module.

    Raises:
        PluginError: If the template cannot be a file by itself.
    """
    words = plugin_words(answers)
    sources = _sources(answers["kind"], answers.get("shape", ""))
    files = {
        filled(path, words): wrapped(filled(text.replace("from {{package}}.", "from ."), words))
        for path, text in sources.items()
    }
    plugin = f"{answers['name']}.py"
    return {plugin: files.pop(plugin), **dict(sorted(files.items()))}


def write_in_project(files: Mapping[str, str], folder: Path, kind: str, class_name: str) -> str:
    """Write the files, all or none, and return how a pipeline names the plugin.

    Args:
        files: By name; that of the plugin is the first.
        folder: In the project, or a new one.
        kind: Of the plugin.
        class_name: The plugin's class.

    Raises:
        InputError: If a file is there already, or a pipeline could not use the plugin there.
        StorageError: If they cannot be written.
    """
    root = find_root(_nearest(folder))
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                written.append(folder / name)
                file.write(text)
        place = written[0].resolve().relative_to(root).as_posix()
        return _tried(f"./{place}:{class_name}", root, kind)
    except BaseException as error:
        _take_back(written, new)
        if isinstance(error, FileExistsError):
            raise InputError(_taken(Path(str(error.filename)))) from error
        if isinstance(error, OSError):
            raise StorageError(
                f"cannot write into {folder}: {error.strerror or error}; nothing of it was left, "
                "name another folder"
            ) from error
        raise


def class_of(name: str) -> str:
    """Return how the class of a plugin is called."""
    return name_words(name)["class_name"]


def step_line(answers: Mapping[str, str], uses: str) -> list[str]:
    """Return the lines of a pipeline file that use the plugin, as in the template's example.

    Args:
        answers: To the questions of this module.
        uses: How a pipeline names the plugin.
    """
    words = plugin_words(answers)
    named = f"{answers['kind']}/{answers['name']}"
    for path, text in templates(answers["kind"], answers.get("shape", "")).items():
        if path.startswith("examples/") and path.endswith(".yaml"):
            example = yaml.safe_load(filled(text, words))
            return list(_lines(example, named, uses))
    return []


def _lines(example: Mapping[str, Any], named: str, uses: str) -> Iterator[str]:
    """Yield each part of a pipeline that uses a plugin, in one line, with the part's heading."""
    first = {f"${name}": values[0] for name, values in example.get("matrix", {}).items()}
    if named in example.get("metrics", []):
        yield f'metrics: ["{uses}"]'
    for heading in ("data", "steps"):
        for name, step in example.get(heading, {}).items():
            if step["uses"] == named:
                given = {key: first.get(str(value), value) for key, value in _with(step).items()}
                changed = {"uses": uses, **({"with": given} if given else {})}
                yield f"{heading}:"
                line = _in_one_line({name: {**step, **changed}})
                yield f"  {line}".replace(f"'{uses}'", f'"{uses}"')
                return


def _with(step: Mapping[str, Any]) -> Mapping[str, Any]:
    given: Mapping[str, Any] = step.get("with", {})
    return given


def _in_one_line(part: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(part, default_flow_style=True, sort_keys=False, width=10_000)
    return text.strip()[1:-1]  # without the outermost braces


def _sources(kind: str, shape: str) -> dict[str, str]:
    """Return the templates of the plugin and of what it imports, by name."""
    return {
        path.removeprefix(_SOURCE): text
        for path, text in templates(kind, shape).items()
        if path.startswith(_SOURCE)
    }


def _tried(uses: str, root: Path, kind: str) -> str:
    """Return how a pipeline names the plugin, once it was found there under that name."""
    from adversity.registry import discover
    from adversity.registry.project_plugins import entry_of

    try:
        entry_of(kind, uses, registry=discover(), root=root)
    except UnknownPluginError as error:
        raise InputError(f"{error}; nothing was written, name another folder") from error
    return uses


def _take_back(written: list[Path], new: list[Path]) -> None:
    """Delete what was written, and the folders that were made for it."""
    for path in written:
        path.unlink(missing_ok=True)
    for folder in new:
        try:
            folder.rmdir()
        except OSError:  # somebody put something there
            return


def _nearest(folder: Path) -> Path:
    """Return the folder, or the nearest one above that is there."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())


def _taken(path: Path) -> str:
    return f"{path} is there already, and nothing is written over; choose another name or folder"


def _name(text: str, known: Known) -> str:
    plain_name(text)
    if text in sys.stdlib_module_names or text in metadata.packages_distributions():
        raise InputError(
            f"a file {text}.py would hide the module {text!r} from every Python that is started "
            "beside it; choose another name"
        )
    kind = known.get("kind")
    if kind is None:
        return text
    if owner := owner_of(kind, text):
        raise InputError(
            f"{kind}/{text} is a plugin of {owner}, which is installed; choose another name, or "
            "readers of a report could take one for the other"
        )
    fault = class_fault(kind, text, _sources(kind, known.get("shape", "")).items())
    if fault is not None:
        raise InputError(f"{text!r} cannot be used: {fault}; choose another name")
    return text


def _folder(text: str, known: Known) -> str:
    """Return the folder, absolute, once it is known to be one of a project and free."""
    folder = Path(os.path.normpath(Path.cwd() / text))
    find_root(_nearest(folder))
    above = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not above.is_dir():
        raise InputError(f"{above}: expected a folder of the project, got a file; name another")
    if "name" in known and "kind" in known:
        words = name_words(known["name"])
        for path in _sources(known["kind"], known.get("shape", "")):
            if (folder / filled(path, words)).exists():
                raise InputError(_taken(folder / filled(path, words)))
    return str(folder)


def _own_folder(_: Known) -> str:
    """Propose `plugins` where the project has it, else the project's folder."""
    root = find_root(Path.cwd())
    return os.path.relpath(root / FOLDER if (root / FOLDER).is_dir() else root)


def _questions() -> Iterator[Question]:
    for question in QUESTIONS:
        if question.key == "name":
            yield replace(question, check=_name)
        elif question.key == "output":
            yield replace(
                question, text="folder in the project", check=_folder, propose=_own_folder
            )
        elif question.key not in _NOT_ASKED:
            yield question


QUESTIONS_IN_PROJECT = tuple(_questions())
"""In the order in which they are asked; a file has no distribution and no author of its own."""

"""The files of a new distribution: found in the templates, filled in, written all or none.

A kind has the template that it describes, ours a folder of its name under `templates/plugin/kinds`;
where plugins of a kind come in several shapes, each further one is a folder under `shapes`. A
licence has its text under `licences`. Nothing is listed anywhere else. A template's path and text
may hold `{{word}}`; the ending `.tmpl` keeps tools away from what is not yet Python or TOML.
"""

from __future__ import annotations

import ast
import keyword
import shutil
import tempfile
import tomllib
from datetime import UTC, datetime
from importlib.resources import files as resources
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity_flows.cli.new_plugin.filling import BLANK, broken, filled, name_words, wrapped
from adversity_flows.cli.new_plugin.publishing import PUBLISH, RELEASE
from adversity_flows.cli.new_plugin.pyproject import (
    PROPRIETARY,
    SPDX,
    home,
    in_toml,
    pyproject_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from adversity.contracts import PluginBase

__all__ = [
    "about",
    "class_fault",
    "kinds",
    "licences",
    "plugin_words",
    "render",
    "shapes",
    "templates",
    "why_not",
    "write",
]


def kinds() -> list[str]:
    """Return the kinds that have a template, in the order in which kinds are listed."""
    from adversity.registry import discover

    return [kind for kind in discover().kinds if _of_kind(kind).is_dir()]


def licences() -> list[str]:
    """Return the licences that have a text, MIT first and the one that gives no rights last."""
    words = {spdx: word for word, spdx in SPDX.items()}
    files = [file.name.removesuffix(".txt") for file in (_templates() / "licences").iterdir()]
    names = [words.get(name, name) for name in files]
    return sorted(names, key=lambda name: (name in SPDX, name != "MIT", name))


def shapes(kind: str) -> list[str]:
    """Return the shapes of a kind's plugins, the usual one first; none where there is one shape."""
    folder = _templates() / "shapes" / kind
    further = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    return [about(kind)["shape"], *further] if further else []


def about(kind: str, shape: str = "") -> dict[str, Any]:
    """Return what the template of a kind says: what the kind does, and of its plugin the rest.

    Args:
        kind: The kind.
        shape: Of its plugins, where there are several; empty for the usual one.

    Raises:
        PluginError: If it lacks a part, or is no TOML.
    """
    try:
        parts = tomllib.loads((_of_kind(kind, shape) / "about.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise broken(f"expected an about.toml for {kind} plugins: {error}") from error
    if lacking := {"does", "name", "summary", "usage"} - parts.keys():
        raise broken(f"expected {', '.join(sorted(lacking))} in about.toml for {kind} plugins")
    return parts


def why_not(kind: str, name: str, shape: str = "") -> str | None:
    """Say why a plugin of the template cannot have a name, or None."""
    parts = _parts(kind, shape)
    words = name_words(name) | {"package": "package"}
    paths = [{filled(path, words) for path, _ in _walk(part)} for part in parts]
    if paths[0] & paths[1]:
        return f"{min(paths[0] & paths[1])} is a file of every distribution"
    return class_fault(kind, name, chain.from_iterable(map(_walk, parts)))


def class_fault(kind: str, name: str, sources: Iterable[tuple[str, str]]) -> str | None:
    """Say why the class of a plugin cannot have its name in such templates, or None.

    Args:
        kind: Of the plugin.
        name: Its name in pipelines.
        sources: Path and text of each template.
    """
    class_name = name_words(name)["class_name"]
    if keyword.iskeyword(class_name):
        return f"its class would be {class_name}, a word of the Python language"
    for path, text in sources:
        if path.endswith(".py"):
            used = _names_in(text, kind)
            if class_name in used:
                return f"its class {class_name} would hide another of that name in the files"
            # Python makes a module that is imported an attribute of its package.
            if path.endswith("__init__.py") and name in used:
                return f"its module {name} would hide what its package calls so"
    return None


def templates(kind: str, shape: str = "") -> dict[str, str]:
    """Return the text of each template of a kind by its path, as they stand."""
    return dict(_walk(_of_kind(kind, shape)))


def render(answers: Mapping[str, str]) -> dict[str, str]:
    """Return every file of the distribution, by its path.

    Args:
        answers: To all questions.
    """
    words = _words(answers)
    files = {}
    for path, text in chain.from_iterable(
        map(_walk, _parts(answers["kind"], answers.get("shape", "")))
    ):
        if path != RELEASE or answers["licence"] != PROPRIETARY:
            files[filled(path, words)] = wrapped(filled(text, words))
    licence = _templates() / "licences" / f"{words['licence']}.txt"
    files["LICENSE"] = filled(licence.read_text(encoding="utf-8"), words)
    return dict(sorted(files.items()))


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write the files into a new or empty folder: all of them, or none.

    Raises:
        StorageError: If they cannot be written.
    """
    from adversity.errors import StorageError

    stage = None
    try:
        there = folder.is_dir()
        if not there:
            folder.parent.mkdir(parents=True, exist_ok=True)
        place = folder if there else folder.parent
        stage = Path(tempfile.mkdtemp(prefix=".new-plugin-", dir=place))
        _fill(stage / "whole", files)
        if there:
            _move_in(stage / "whole", folder)
        else:
            (stage / "whole").rename(folder)
    except OSError as error:
        raise StorageError(
            f"cannot write {folder}: {error.strerror or error}; nothing of it was left, name another folder"
        ) from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)


def _fill(stage: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _move_in(stage: Path, folder: Path) -> None:
    """Move what lies in one folder into an empty one, which is empty again if that fails."""
    names = sorted(path.name for path in stage.iterdir())
    try:
        for name in names:
            (stage / name).rename(folder / name)
    except BaseException:
        for name in names:
            _remove(folder / name)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _templates() -> Traversable:
    return resources("adversity_flows") / "templates" / "plugin"


def _of_kind(kind: str, shape: str = "") -> Traversable:
    """Return the folder of a kind's template, which need not be there."""
    if shape and shape != shapes(kind)[0]:
        return _templates() / "shapes" / kind / shape
    package, _, folder = _contract(kind).describes.template.partition(":")
    ours = _templates() / "kinds" / kind
    try:
        return resources(package) / folder if package else ours
    except ImportError:  # it hides no other kind
        return ours


def _parts(kind: str, shape: str) -> tuple[Traversable, Traversable]:
    """Return the folders that a distribution is made of."""
    return _templates() / "every", _of_kind(kind, shape)


def _contract(kind: str) -> type[PluginBase]:
    from adversity.registry import discover

    return discover().kinds[kind]


def _walk(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and text of every template, as they stand."""
    for item in folder.iterdir():
        if item.is_dir():
            yield from _walk(item, f"{above}{item.name}/")
        elif item.name.endswith(".tmpl"):
            yield above + item.name.removesuffix(".tmpl"), item.read_text(encoding="utf-8")


def _words(answers: Mapping[str, str]) -> dict[str, str]:
    """Return what stands for each `{{word}}` of a distribution."""
    kind_words = about(answers["kind"], answers.get("shape", ""))
    words = {
        **plugin_words(answers),
        "package": answers["distribution"].replace("-", "_"),
        "licence_word": answers["licence"],
        "summary_toml": in_toml(kind_words["summary"]),
        **pyproject_words(answers, _contract(answers["kind"])),
    }
    parts = {"usage": kind_words["usage"], "before": kind_words.get("before", "")}
    parts["publish"] = "" if answers["licence"] == PROPRIETARY else PUBLISH
    return words | {part: filled(text, words) for part, text in parts.items()}


def plugin_words(answers: Mapping[str, str]) -> dict[str, str]:
    """Return what stands for each `{{word}}` that needs no distribution.

    Args:
        answers: Kind, name and licence, and what else was asked.
    """
    from adversity import API_VERSION

    contract = _contract(answers["kind"])
    return {
        **answers,
        **name_words(answers["name"]),
        "licence": SPDX.get(answers["licence"], answers["licence"]),
        "hook": contract.describes.hook,
        "contract": contract.__name__,
        "home": home(contract),
        "summary": about(answers["kind"], answers.get("shape", ""))["summary"],
        "api": str(API_VERSION),
        "year": str(datetime.now(UTC).year),
    }


def _names_in(template: str, kind: str) -> set[str]:
    """Return every name that a template's module defines, imports or uses."""
    contract = _contract(kind)
    words = {"contract": contract.__name__, "hook": contract.describes.hook}
    source = BLANK.sub(lambda blank: words.get(blank.group(1), "blank"), template)
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                names.add(name)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=given):
                names.add(given or name)
    return names

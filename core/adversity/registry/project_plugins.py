"""Plugins that live in the user's project: `./my_model.py:MyNet`.

The file is code of the project and runs with the user's rights, as an installed plugin does. It
is imported only when somebody names it or its folder, in a pipeline, on the command line or in
Python; no list looks into a project by itself.
"""

from __future__ import annotations

import logging
import re
import sys
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from adversity.contracts import KINDS, PluginBase
from adversity.did_you_mean import did_you_mean
from adversity.distributions import place_of
from adversity.errors import AdversityError, InputError, PluginError, UnknownPluginError
from adversity.file_names import name_fault
from adversity.project import code_fault, list_files, place_in, text_fault
from adversity.registry.blocking import block_names, names_of
from adversity.registry.claims import contract_of
from adversity.registry.class_checks import class_fault, object_fault, version_fault
from adversity.registry.containment import Guard, contained
from adversity.registry.entry import Entry, Problem, names_file
from adversity.registry.project_classes import class_meant, double_fault, offered
from adversity.registry.project_imports import import_fault, strays
from adversity.registry.project_modules import module_of, where_in
from adversity.registry.quoting import error_text, visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from adversity.registry.registry import Registry

__all__ = ["entry_of", "found_in", "kind_and_name", "of_project", "one_file"]

_FILE = re.compile(r"\./(?:[^./\\:]+/)*[^./\\:]+\.py")
_FORM = "./FILE.py:CLASS, a file of the project, as in ./my_model.py:MyNet"

_log = logging.getLogger(__name__)


def entry_of(kind: str | None, name: str, *, registry: Registry, root: Path) -> Entry:
    """Return the plugin that a name means: in a file of the project, or else of the registry.

    Args:
        kind: Of which kind it must be; None if a file may have one of any.
        name: Its name, or `./FILE.py:CLASS`.
        registry: Where installed plugins are found.
        root: The project's folder.

    Raises:
        UnknownPluginError: If there is no such plugin, or it cannot be used.
    """
    if names_file(name):
        return of_project(name, root, kind=kind, kinds=registry.kinds)
    return registry.get(kind or "", name)


def found_in(
    uses: str, root: Path, *, kinds: Mapping[str, type[PluginBase]] = KINDS
) -> tuple[list[Entry], list[Problem]]:
    """Return every plugin that files of the project offer, and what is wrong with others.

    Each file is imported. Left out are files and folders that begin with an underscore, classes
    that do, and files that define no plugin.

    Args:
        uses: A folder, `./own`, with all folders in it; a file, or a class in one.
        root: The project's folder.
        kinds: The contracts of all kinds by their names.

    Raises:
        DataError: If the folder cannot be read.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    for each in _files_in(uses, root):
        try:
            place, wanted = _parsed(each, root)
            names = [wanted] if wanted else offered(_imported(place, root))
            entries += [of_project(f"{place}:{name}", root, kinds=kinds) for name in names]
        except UnknownPluginError as error:
            problems.append(Problem("", "", each, str(error)))
    return entries, problems


def _files_in(uses: str, root: Path) -> list[str]:
    """Return the files of a folder that may define plugins; of what is a file, that alone."""
    if one_file(uses):
        return [uses]
    files = [PurePosixPath(file) for file in list_files(root, uses).files if file.endswith(".py")]
    shown = [file for file in files if not any(part[0] in "._" for part in file.parts)]
    return [f"./{PurePosixPath(uses, file)}" for file in sorted(shown)]


def one_file(uses: str) -> bool:
    """Say whether a name in the project means a Python file, or a class in one, and no folder.

    Example:
        >>> one_file("./own/banding.py:Banding"), one_file("./own/my.pyfiles")
        (True, False)
    """
    return uses.partition(":")[0].endswith(".py")


def kind_and_name(uses: str) -> tuple[str | None, str]:
    """Return what `kind/name` says; no kind where it is a file, whose class says it."""
    if names_file(uses):
        return None, uses
    kind, _, name = uses.partition("/")
    return kind, name


def of_project(
    uses: str,
    root: Path,
    *,
    kind: str | None = None,
    kinds: Mapping[str, type[PluginBase]] = KINDS,
) -> Entry:
    """Return the plugin that a file of the project defines; the file is imported.

    Args:
        uses: `./FILE.py:CLASS`, or `./FILE.py` where the file defines one plugin.
        root: The project's folder.
        kind: Of which kind it must be, if of a certain one.
        kinds: The contracts of all kinds by their names.

    Raises:
        UnknownPluginError: If there is no such plugin, or it cannot be used.
    """
    if kind is not None and kind not in kinds:
        hint = did_you_mean(kind, kinds, f"kinds are {', '.join(kinds)}")
        raise UnknownPluginError(f"unknown kind of plugin {kind!r}; {hint}")
    place, wanted = _parsed(uses, root)
    module = _imported(place, root)
    cls = class_meant(module, place, wanted, kinds if kind is None else {kind: kinds[kind]})
    contract = contract_of(cls)
    expected = kinds.get(contract.describes.name)
    if expected is None:
        raise UnknownPluginError(f"{place}: {cls.__name__} is of a kind that is not installed")
    if kind is not None and kind != contract.describes.name:
        raise UnknownPluginError(
            f"{place}:{cls.__name__} is {contract.describes.noun}, and "
            f"{kinds[kind].describes.noun} is expected here; name another"
        )
    fault = object_fault(cls, expected) or version_fault(cls, place) or class_fault(cls)
    fault = fault or double_fault(module, cls)
    if fault is not None:
        raise UnknownPluginError(f"{place}: {fault}")
    names = names_of(contract.describes.name, cls.name, place) | {f"{place}:{cls.__name__}"}
    if names & block_names():
        raise UnknownPluginError(f"{place}:{cls.__name__} is blocked by name; unblock it to use it")
    return Entry(contract.describes.name, cls.name, cls, place, "", cls.api)


def _parsed(uses: str, root: Path) -> tuple[str, str]:
    """Return the file, `./my_model.py`, and the class that is named, perhaps empty."""
    given, _, wanted = uses.partition(":")
    fault = text_fault(given)
    if fault is not None:
        raise UnknownPluginError(f"a plugin of the project {fault}; copy the file there")
    _require_name(given, uses)
    fault = code_fault(root, given)
    if fault is not None:
        raise UnknownPluginError(f"{fault}{_near(root, given)}")
    place = f"./{place_in(root.resolve(), given)}"
    _require_name(place, f"{given}, which leads to {place}")
    return place, wanted


def _require_name(place: str, got: str) -> None:
    """Refuse a file that cannot be imported under its name."""
    named = _FILE.fullmatch(place) and name_fault(place) is None
    if not named or place.endswith("/__init__.py"):
        raise UnknownPluginError(
            f"expected {_FORM}, got {visible(got)}; folders and files have no other dot in their "
            "names, and an __init__.py defines no plugin"
        )


def _near(root: Path, given: str) -> str:
    """Say which file of the same folder may be meant."""
    folder = Path(given).parent
    beside = [f"./{(folder / file.name).as_posix()}" for file in (root / folder).glob("*.py")]
    hint = did_you_mean(given, sorted(beside)) if not (root / given).exists() else ""
    return f"; {hint}" if hint else ""


def _looked_at(place: str, root: Path) -> str:
    """Return the name under which a file can be imported; one that is blocked cannot."""
    if place in block_names():
        raise UnknownPluginError(f"{place} is blocked by name; unblock it to use it")
    try:
        compile((root / place).read_bytes(), place, "exec", dont_inherit=True)
        module = module_of(root, place.removeprefix("./"))
        fault = import_fault(root, module)
    except (PluginError, InputError) as error:
        raise UnknownPluginError(f"{place}: {error}") from None
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError) as error:
        raise _import_error(place, error, root) from None
    if fault is not None:
        raise UnknownPluginError(f"{place}: {fault}")
    return module


def _imported(place: str, root: Path) -> ModuleType:
    """Import a file under guard, and say where it fails."""
    module = _looked_at(place, root)
    before = set(sys.modules)
    with contained(place) as changed, Guard() as importing:
        import_module(module)
    if importing.error is not None:
        raise _import_error(place, importing.error, root)
    if names := strays(root, before):
        for name in (*names, *(name for name in set(sys.modules) - before if place_of(name))):
            del sys.modules[name]  # so that it is refused again
        raise UnknownPluginError(
            f"{place}: importing it imported {names[0]} of the project by an absolute name; write "
            f"`from .{names[0]} import ...`, so that its source is in the keys of results"
        )
    if changed:
        _log.warning(
            "importing %s changed %s; what could be was put back; do that inside the method that "
            "needs it",
            place,
            " and ".join(changed),
        )
    return sys.modules[module]


def _import_error(place: str, error: BaseException, root: Path) -> UnknownPluginError:
    """Say what was raised, in which line of the project, and what to do."""
    where = where_in(root, error)
    if isinstance(error, AdversityError):
        return UnknownPluginError(f"{place}: {error}{where}")
    said = re.sub(r"adversity_project_\w+\.", ".", error_text(error))
    remedy = "fix it, or do it inside the method that needs it"
    name = getattr(error, "name", None)
    if isinstance(error, ModuleNotFoundError) and isinstance(name, str) and not place_of(name):
        remedy = f"install {visible(name).partition('.')[0]}"
    elif not isinstance(error, Exception):
        remedy = "a plugin must not end the program"
    return UnknownPluginError(f"{place} cannot be imported: {said}{where}; {remedy}")

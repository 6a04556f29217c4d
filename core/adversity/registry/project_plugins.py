"""Plugins that live in the user's project: `./my_model.py:MyNet`.

The file is code of the project and runs with the user's rights, as an installed plugin does. It
is imported only when somebody names it, in a pipeline, to the kit or in Python; lists of plugins
do not look into projects.
"""

from __future__ import annotations

import inspect
import logging
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity.contracts import KINDS, PluginBase
from adversity.did_you_mean import did_you_mean
from adversity.distributions import place_of
from adversity.errors import InputError, PluginError, UnknownPluginError
from adversity.project import file_fault, place_in, text_fault
from adversity.registry.blocking import block_names, names_of
from adversity.registry.claims import contract_of, is_contract
from adversity.registry.class_checks import class_fault, object_fault, version_fault
from adversity.registry.containment import Guard, contained
from adversity.registry.entry import Entry
from adversity.registry.project_modules import absolute_fault, module_of, strays, where_in
from adversity.registry.quoting import error_text, visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

__all__ = ["names_file", "of_project"]

_FILE = re.compile(r"\./(?:[^./\\:]+/)*[^./\\:]+\.py")
_FORM = "./FILE.py:CLASS, a file of the project, as in ./my_model.py:MyNet"

_log = logging.getLogger(__name__)


def names_file(uses: str) -> bool:
    """Say whether a name is that of a file, as `./my_model.py:MyNet`, whatever is wrong with it."""
    return uses.startswith(("./", "../"))


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
    place, wanted = _parsed(uses, root)
    cls = _chosen(
        _imported(place, root), place, wanted, kinds if kind is None else {kind: kinds[kind]}
    )
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
    if not _FILE.fullmatch(given) or given.endswith("/__init__.py"):
        raise UnknownPluginError(
            f"expected {_FORM}, got {uses}; folders and files have no other dot in their names, "
            "and an __init__.py defines no plugin"
        )
    fault = file_fault(root, given)
    if fault is not None:
        raise UnknownPluginError(f"{fault}{_near(root, given)}")
    return f"./{place_in(root.resolve(), given)}", wanted


def _near(root: Path, given: str) -> str:
    """Say which file of the same folder may be meant."""
    folder = Path(given).parent
    beside = [f"./{(folder / file.name).as_posix()}" for file in (root / folder).glob("*.py")]
    hint = did_you_mean(given, sorted(beside)) if not (root / given).exists() else ""
    return f"; {hint}" if hint else ""


def _imported(place: str, root: Path) -> ModuleType:
    """Import a file under guard, and say where it fails; one that is blocked is not imported."""
    if place in block_names():
        raise UnknownPluginError(f"{place} is blocked by name; unblock it to use it")
    source = root / place
    try:
        compile(source.read_bytes(), place, "exec", dont_inherit=True)
        module = module_of(root, place.removeprefix("./"))
        fault = absolute_fault(root, module)
    except (PluginError, InputError) as error:
        raise UnknownPluginError(f"{place}: {error}") from None
    except (SyntaxError, ValueError, OSError) as error:
        raise _import_error(place, error, root) from None
    if fault is not None:
        raise UnknownPluginError(f"{place}: {fault}")
    before = () if module in sys.modules else tuple(sys.modules)
    with contained(place) as changed, Guard() as importing:
        import_module(module)
    if importing.error is not None:
        raise _import_error(place, importing.error, root)
    if before and (names := strays(root, before)):
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
    said = re.sub(r"adversity_project_\w+\.", ".", error_text(error))
    remedy = "fix it, or do it inside the method that needs it"
    name = getattr(error, "name", None)
    if isinstance(error, ModuleNotFoundError) and isinstance(name, str) and not place_of(name):
        remedy = f"install {visible(name).partition('.')[0]}"
    elif not isinstance(error, Exception):
        remedy = "a plugin must not end the program"
    where = where_in(root, error)
    return UnknownPluginError(f"{place} cannot be imported: {said}{where}; {remedy}")


def _chosen(
    module: ModuleType, place: str, wanted: str, kinds: Mapping[str, type[PluginBase]]
) -> type[PluginBase]:
    """Return the class that is meant."""
    own = {
        name: item
        for name, item in vars(module).items()
        if isinstance(item, type) and item.__module__ == module.__name__
    }
    plugins = {name: cls for name, cls in own.items() if issubclass(cls, PluginBase)}
    offered = [
        n for n, cls in plugins.items() if not (n.startswith("_") or inspect.isabstract(cls))
    ]
    if wanted:
        return _named(module, place, wanted, own, plugins, kinds)
    if len(offered) == 1:
        return plugins[offered[0]]
    if offered:
        ways = " or ".join(f"{place}:{name}" for name in offered)
        raise UnknownPluginError(f"{place} defines {len(offered)} plugins; write {ways}")
    if len(plugins) == 1:  # what it lacks is said of the class
        return next(iter(plugins.values()))
    raise UnknownPluginError(f"{place} defines no plugin; {_derive(kinds)}")


def _named(
    module: ModuleType,
    place: str,
    wanted: str,
    own: Mapping[str, type],
    plugins: Mapping[str, type[PluginBase]],
    kinds: Mapping[str, type[PluginBase]],
) -> type[PluginBase]:
    """Return the class of a name; the plugin's own name will do."""
    called = [cls for cls in plugins.values() if getattr(cls, "name", None) == wanted]
    if wanted in plugins or len(called) == 1:
        return plugins.get(wanted) or called[0]
    item: Any = getattr(module, wanted, None)
    if wanted in own:
        raise UnknownPluginError(
            f"{place}: class {wanted} is no plugin, it derives from "
            f"{' and '.join(base.__name__ for base in own[wanted].__bases__)}; {_derive(kinds)}"
        )
    if isinstance(item, type):
        home = place_of(item.__module__)
        way = f"write {home}:{item.__name__}" if home else "define a class of your own there"
        raise UnknownPluginError(f"{place} only imports {wanted}; {way}")
    if item is not None:
        raise UnknownPluginError(
            f"{place}: expected {wanted} to be a class, got {type(item).__name__}"
        )
    hint = did_you_mean(wanted, plugins, f"it defines {', '.join(plugins) or 'no plugin'}")
    raise UnknownPluginError(f"{place} has no class {wanted}; {hint}")


def _derive(kinds: Mapping[str, type[PluginBase]]) -> str:
    """Say from what a plugin derives where it is to stand."""
    names = [cls.__name__ for contract in kinds.values() for cls in _shapes(contract)]
    several = f"{', '.join(names[:-1])} or " if names[1:] else ""
    return f"derive a class from {several}{names[-1]} of `adversity`"


def _shapes(contract: type[PluginBase]) -> list[type[PluginBase]]:
    """Return what plugins of a kind derive from."""
    if inspect.isabstract(contract):
        return [contract]
    return [cls for cls in contract.__subclasses__() if is_contract(cls)]

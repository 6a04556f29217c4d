"""Find the plugins that the files of a package define, so that adding one is adding a file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING, TypeVar

from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

__all__ = ["plugins_in"]

_Contract = TypeVar("_Contract", bound=PluginBase)


def plugins_in(package: str, kind: type[_Contract]) -> list[type[_Contract]]:
    """Return the plugins of a kind that the files of a package define, folders in it included.

    The `__init__.py` of each folder is such a file. Other files and folders whose names begin with
    an underscore are not imported: what the plugins share, and what they import when they are set
    up. Abstract classes, and classes whose names begin with an underscore, are no plugins.

    Args:
        package: The package's name, as a hook in its `__init__.py` gives it: `__name__`.
        kind: The contract, such as `Attack`.

    Returns:
        The classes, ordered by file.

    Example:
        >>> from adversity import Degradation
        >>> plugins = plugins_in("adversity_plugins.degradation", Degradation)
        >>> "gaussian_noise" in {plugin.name for plugin in plugins}
        True
    """
    return [
        value
        for module in _modules(importlib.import_module(package))
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, kind)
        and value.__module__ == module.__name__
        and not (inspect.isabstract(value) or value.__name__.startswith("_"))
    ]


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        if name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{name}")
        yield from _modules(module) if hasattr(module, "__path__") else (module,)

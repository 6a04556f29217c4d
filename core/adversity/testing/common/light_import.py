"""What listing plugins promises: importing their modules stays light."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from adversity.distributions import place_of
from adversity.registry import discover
from adversity.testing.bench.checks import NotApplicable, check, require

if TYPE_CHECKING:
    from adversity.testing.bench.bench import Bench

__all__ = ["light_import"]


@check("Importing the plugin's module imports no torch, so that listing plugins stays fast.")
def light_import(bench: Bench) -> str:
    """Import the module in another Python and look which modules came with it."""
    module = bench.cls.__module__
    if place_of(module) is not None:
        raise NotApplicable("a plugin of the project is in no list: nobody imports it to show it")
    heavy = heavy_imports(module)
    if heavy is None:
        raise NotApplicable(f"{module} cannot be imported by name in another Python")
    require(
        not heavy,
        f"expected no torch, got {', '.join(heavy)}: import it inside methods, and networks in "
        "a file of their own that `setup` imports",
    )
    return f"{module} imports neither torch nor torchvision"


def heavy_imports(module: str) -> tuple[str, ...] | None:
    """Return which heavy packages come with a module; None if it cannot be imported by name.

    All plugins of a package are imported in one Python, which is enough where nothing comes;
    otherwise, and where one of them cannot be imported, the module is imported by itself.
    """
    return () if came_with(modules_beside(module)) == () else came_with((module,))


def modules_beside(module: str) -> tuple[str, ...]:
    """Return a module and those of the installed plugins that lie in the same top package."""
    top = module.partition(".")[0]
    installed = {entry.cls.__module__ for entry in discover().entries() if entry.cls is not None}
    return tuple(sorted({module, *(name for name in installed if name.partition(".")[0] == top)}))


@cache
def came_with(modules: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return which heavy packages come with modules; None if one cannot be imported by name."""
    import subprocess
    import sys

    code = (
        f"import sys, importlib; [importlib.import_module(name) for name in {modules!r}]; "
        "print('came:', *sorted({'torch', 'torchvision'} & set(sys.modules)))"
    )
    # -P: installed modules count, not what lies in the current folder, such as tests.
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        return None
    # A module may print as well: what counts is the last line.
    return tuple(done.stdout.splitlines()[-1].split()[1:])

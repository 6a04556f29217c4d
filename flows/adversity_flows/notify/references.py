"""Where a secret is kept: `{env: NAME}`, a variable, or `{block: name}`, a Secret block of Prefect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversity.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_reference", "resolved"]

_KEEPERS = {"env", "block"}


def is_reference(value: object) -> bool:
    """Tell whether a value of the file says where another one is kept."""
    return (
        isinstance(value, Mapping)
        and len(value) == 1
        and set(value) <= _KEEPERS
        and all(isinstance(name, str) and name for name in value.values())
    )


def resolved(parameters: Mapping[str, Any], root: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return parameters with what their references name, and that alone, which must not be said.

    Args:
        parameters: As the file has them.
        root: The project's folder, whose Prefect server keeps blocks unless PREFECT_API_URL
            names another.

    Raises:
        InputError: A variable or block is not there.
    """
    values = {name: _value(value, root) for name, value in parameters.items()}
    kept = tuple(str(values[name]) for name, value in parameters.items() if is_reference(value))
    return values, kept


def _value(value: Any, root: Path) -> Any:
    if not is_reference(value):
        return value
    ((keeper, name),) = value.items()
    return _variable(name) if keeper == "env" else _block(name, root)


def _variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise InputError(f"expected the variable {name} of the environment, got none; set it")


def _block(name: str, root: Path) -> str:
    from adversity_flows.prefect_flows.lent_client import lent_client

    with lent_client(root):
        from prefect.blocks.system import Secret

        try:
            block: Any = Secret.load(name)
        except ValueError:
            raise InputError(
                f"expected a Secret block {name} at Prefect, got none; make one on its page "
                "(`adversity ui`)"
            ) from None
        return str(block.get())

"""Ensembles of chains."""

from __future__ import annotations

from typing import Any

import pytest
from toy_ensemble import Mean, Other

from adversity.engine.chain.links import Bundle, Link
from adversity.engine.chain.target import ChainTarget


@pytest.fixture
def members(plugins: Any, make_ready: Any) -> list[tuple[Link, ...]]:
    """Two members: the net, and another behind a restoration that halves."""
    return [
        (Link("one", plugins["net"]),),
        (Link("halved", plugins["halve"]), Link("two", make_ready(Other()), "seed=1")),
    ]


@pytest.fixture
def ensemble(make_ready: Any, ids: Any) -> Any:
    """A function that makes the target of some members, and what stands around them."""

    def made(*members: Any, before: Any = (), behind: Any = (), **kwargs: Any) -> ChainTarget:
        bundle = Bundle("mean", make_ready(Mean()), tuple(members))
        return ChainTarget((*before, bundle, *behind), ids=ids, **kwargs)

    return made

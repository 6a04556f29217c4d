"""Hashing bytes where DVC would trust size and time: `adversity run --verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dvc.repo import Repo

__all__ = ["distrust"]


def distrust(repo: Repo) -> None:
    """Make a repository hash every file anew when it first meets it, and remember that.

    DVC takes a file with the inode, size and time of modification it knows for the file it
    knows. What is found now goes into its database, so that later runs go by it.
    """
    state: Any = repo.state
    known_get, known_many = state.get, state.get_many
    met: set[str] = set()

    def get(path: str, fs: Any, info: Any = None) -> Any:
        if path in met:
            return known_get(path, fs, info)
        met.add(path)
        return None, None

    def get_many(items: Any, fs: Any, infos: Any) -> Iterator[Any]:
        paths = list(items)
        fresh = [path for path in paths if path not in met]
        met.update(fresh)
        yield from ((path, None, None) for path in fresh)
        again = set(paths) - set(fresh)
        yield from known_many([path for path in paths if path in again], fs, infos)

    state.get, state.get_many = get, get_many

"""Random streams keyed by sample, so that no result depends on batch or order.

Each sample has its own counter-based stream (Philox), keyed by the pipeline's seed, the
step's id and the sample's id. Matrix values are not part of the key: conditions are
compared on common random numbers.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adversity.ziggurat import integers, normals, uniforms

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SampleRng", "draw_generator", "fit_generator", "fold_generator", "preserve_global_rng"]

Shape = Sequence[int]


def _key(*parts: object) -> int:
    """Hash the parts to the 128 bits of a Philox key; `repr` keeps 1 and "1" apart."""
    text = repr(parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def fit_generator(seed: int, step: str, extra: int = 0) -> np.random.Generator:
    """Return the generator for fitting: keyed by pipeline seed, step id and `with.seed`."""
    return np.random.Generator(np.random.Philox(key=_key("fit", seed, step, extra)))


def draw_generator(seed: int, step: str, number: int) -> np.random.Generator:
    """Return the generator of a bootstrap draw: keyed by pipeline seed, step id and its number."""
    return np.random.Generator(np.random.Philox(key=_key("bootstrap", seed, step, number)))


def fold_generator(seed: int, step: str, count: int) -> np.random.Generator:
    """Return the generator by which samples are dealt into folds."""
    return np.random.Generator(np.random.Philox(key=_key("folds", seed, step, count)))


class SampleRng:
    """Random numbers for N samples, row i from sample i's own stream.

    A draw of `shape` gives `[N, *shape]` on the CPU. Successive draws go on along each
    stream. The numbers of a sample depend on its id alone, never on its neighbours.

    Example:
        >>> rng = SampleRng(seed=0, step="dark", ids=["a", "b"])
        >>> alone = SampleRng(seed=0, step="dark", ids=["b"])
        >>> bool((rng.normal((2,))[1] == alone.normal((2,))[0]).all())
        True
    """

    def __init__(self, *, seed: int, step: str, ids: Sequence[str]) -> None:
        """Open one stream for each sample id."""
        self._path: tuple[object, ...] = (seed, step)
        self._ids = tuple(str(sample) for sample in ids)
        self._streams: list[np.random.Generator] | None = None

    def __len__(self) -> int:
        """Return the number of samples N."""
        return len(self._ids)

    @property
    def ids(self) -> tuple[str, ...]:
        """The samples' ids, in row order."""
        return self._ids

    @property
    def step(self) -> str:
        """The step that the streams belong to."""
        return str(self._path[1])

    def child(self, key: object) -> SampleRng:
        """Return fresh, independent streams for the same samples (a restart, a draw, a member)."""
        other = self.fresh(self._ids)
        other._path = (*self._path, "child", key)
        return other

    def rows(self, index: Sequence[int]) -> SampleRng:
        """Return a view of some rows that shares their streams (solved rows leave)."""
        other = self.fresh([self._ids[i] for i in index])
        streams = self._open()
        other._streams = [streams[i] for i in index]
        return other

    def fresh(self, ids: Sequence[str]) -> SampleRng:
        """Return streams from their start for these ids; a repeated id draws the same twice."""
        other = SampleRng(seed=0, step="", ids=ids)
        other._path = self._path
        return other

    def normal(self, shape: Shape = ()) -> Tensor:
        """Draw standard normal numbers, `[N, *shape]` float32."""
        count = math.prod(shape)
        return self._stack([normals(g, count).reshape(tuple(shape)) for g in self._open()])

    def uniform(self, shape: Shape = ()) -> Tensor:
        """Draw uniform numbers in [0, 1), `[N, *shape]` float32."""
        count = math.prod(shape)
        return self._stack([uniforms(g, count).reshape(tuple(shape)) for g in self._open()])

    def integers(self, low: int, high: int, shape: Shape = ()) -> Tensor:
        """Draw integers in [low, high), `[N, *shape]` int64."""
        count = math.prod(shape)
        drawn = [integers(g, low, high, count).reshape(tuple(shape)) for g in self._open()]
        return self._stack(drawn)

    def bernoulli(self, p: float, shape: Shape = ()) -> Tensor:
        """Draw 1 with probability p, else 0, `[N, *shape]` float32."""
        return (self.uniform(shape) < p).float()

    def poisson(self, rate: Tensor) -> Tensor:
        """Draw Poisson counts at the given rates.

        Args:
            rate: `[N, ...]`, row i for sample i, in expected counts (>= 0).

        Returns:
            The same shape, float32.
        """
        rates = rate.detach().cpu().numpy().astype(np.float64)
        draws = [g.poisson(r) for g, r in zip(self._open(), rates, strict=True)]
        return self._stack([np.asarray(d, dtype=np.float32) for d in draws])

    def seeds(self) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
        """Draw one 32-bit seed a sample, `[N]` uint32, for NumPy's legacy streams."""
        return np.array([g.integers(0, 2**32, dtype=np.uint32) for g in self._open()], np.uint32)

    def _open(self) -> list[np.random.Generator]:
        if self._streams is None:
            self._streams = [
                np.random.Generator(np.random.Philox(key=_key(*self._path, sample)))
                for sample in self._ids
            ]
        return self._streams

    @staticmethod
    def _stack(rows: Sequence[object]) -> Tensor:
        import torch

        if len(rows) == 1:
            # Without a copy.
            return torch.from_numpy(np.asarray(rows[0])[None])
        return torch.from_numpy(np.stack([np.asarray(row) for row in rows]))


class preserve_global_rng:  # noqa: N801  (reads as a verb in `with preserve_global_rng():`)
    """Leave the global random state of Python, NumPy and torch exactly as found."""

    def __enter__(self) -> None:
        """Remember the three states."""
        import random

        import torch

        self._python = random.getstate()
        self._numpy = np.random.get_state()  # noqa: NPY002  (it is the legacy state we protect)
        self._torch = torch.get_rng_state()

    def __exit__(self, *_: object) -> None:
        """Put the three states back."""
        import random

        import torch

        random.setstate(self._python)
        np.random.set_state(self._numpy)  # noqa: NPY002
        torch.set_rng_state(self._torch)

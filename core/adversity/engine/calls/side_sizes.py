"""Side information of several sizes: kernels of a batch, and what becomes of it with the images.

No sample may feel which others are in its batch: to which size a kernel was padded is cut off
again before a restoration sees it, and its blocks hold kernels of one size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts.side import AXES, ENLARGED, LASTING, is_padded, side_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from torch import Tensor

__all__ = ["as_before", "bare", "each_size", "enlarged", "of_one_size", "outlasting", "padded_to"]


def bare(name: str) -> str:
    """Return what a value is, whoever found it: `kernel` of `deblurred.kernel`."""
    return name.rpartition(".")[2]


def padded_to(size: int, kernels: Tensor) -> Tensor:
    """Pad kernels `[N, 1, k, k]` with zeros on all sides, to `[N, 1, size, size]`; both odd."""
    from torch.nn.functional import pad

    width = (size - kernels.shape[-1]) // 2
    return pad(kernels, (width, width, width, width)) if width else kernels


def of_one_size(name: str, parts: Sequence[Tensor]) -> list[Tensor]:
    """Return the values of several blocks, padded to the largest where its name allows that."""
    if not is_padded(name) or not parts:
        return list(parts)
    size = max(part.shape[-1] for part in parts)
    return [padded_to(size, part) for part in parts]


def each_size(
    names: Iterable[str], side: Mapping[str, Tensor], images: Tensor
) -> Iterator[tuple[list[int], dict[str, Tensor]]]:
    """Go through rows whose kernels have one size, each with its side information in that size.

    Args:
        names: Which of it will be looked at, under its names there.
        side: Each with first axis N.
        images: `[N, C, H, W]`.
    """
    import torch

    looked = [name for name in names if is_padded(bare(name)) and len(images)]
    looked = [name for name in looked if side_fault(bare(name), side[name], images) is None]
    if not looked:
        yield list(range(len(images))), dict(side)
        return
    sizes = torch.stack([_own_sizes(side[name]) for name in looked], dim=1).cpu()
    for own in dict.fromkeys(map(tuple, sizes.tolist())):
        rows = (sizes == torch.tensor(own)).all(dim=1).nonzero().flatten().tolist()
        here = {name: value[rows] for name, value in side.items()}
        for name, size in zip(looked, own, strict=True):
            border = (here[name].shape[-1] - size) // 2
            inside = slice(border, border + size)
            here[name] = here[name][..., inside, inside].contiguous()
        yield rows, here


def as_before(parts: Sequence[Tensor], rows: Sequence[Sequence[int]]) -> Tensor:
    """Put the answers for groups of rows, in the order of these, into the order of the samples."""
    import torch

    if len(parts) == 1:
        return parts[0]
    places = torch.tensor([row for group in rows for row in group])
    return torch.cat(list(parts))[places.argsort()]


def enlarged(side: Mapping[str, Tensor], before: Tensor, after: Tensor) -> dict[str, Tensor]:
    """Return what still holds of images that a restoration made, at their size.

    Args:
        side: Of the images before, each with first axis N.
        before: `[N, C, H, W]`.
        after: `[N, C, H * f, W * f]`.
    """
    if after.shape[2:] == before.shape[2:]:
        return dict(side)
    grown = [name for name in side if bare(name) in ENLARGED]
    here = {name: _interpolated(bare(name), side[name], after) for name in grown}
    here |= outlasting(side, before, after)
    return {name: here[name] for name in side if name in here}


def outlasting(side: Mapping[str, Tensor], before: Tensor, after: Tensor) -> dict[str, Tensor]:
    """Return what holds of images whatever became of their size."""
    if after.shape[2:] == before.shape[2:]:
        return dict(side)

    def lasts(name: str, value: Tensor) -> bool:
        if bare(name) in AXES:
            return bare(name) in LASTING
        return value.ndim < 3 or value.shape[-2:] != before.shape[2:]

    return {name: value for name, value in side.items() if lasts(name, value)}


def _interpolated(name: str, value: Tensor, images: Tensor) -> Tensor:
    """Return `[N, 1, H, W]` at the size of images, row by row: no kernel sees another number."""
    import torch

    size, mode = images.shape[2:], ENLARGED[name]
    corners = None if mode == "nearest" else False
    rows = [
        torch.nn.functional.interpolate(row[None], size=size, mode=mode, align_corners=corners)
        for row in value
    ]
    return torch.cat(rows) if rows else value.new_zeros(0, 1, *size)


def _own_sizes(kernels: Tensor) -> Tensor:
    """Return `[N]` int64, for each kernel the smallest odd size that holds all but zeros."""
    import torch

    away = (torch.arange(kernels.shape[-1]) - kernels.shape[-1] // 2).abs()
    rings = torch.maximum(away[:, None], away[None, :]).to(kernels.device)
    return 2 * (rings * (kernels != 0)).amax(dim=(1, 2, 3)) + 1

"""A row's answer does not depend on its place in a block."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SAME_ROW_EVERYWHERE = """
import torch
{first}
torch.set_num_threads(1)
draw = torch.Generator().manual_seed(0)
moved = 0
for inputs in (77, 147, 210, 1001):
    weights = torch.randn(10, inputs, generator=draw)
    row = torch.rand(1, inputs, generator=draw)
    block = torch.nn.functional.linear(row.expand(64, -1).contiguous(), weights)
    moved += int((block != block[:1]).any())
print(moved)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", ["import adversity.engine.public.create", "from adversity import create"]
)
def test_a_row_s_bits_do_not_depend_on_its_place(first: str) -> None:
    """The same row at 64 places, whose addresses are not all aligned alike, gives one answer.

    Without the engine's setting half of the places differ where MKL computes them.
    """
    done = subprocess.run(
        [sys.executable, "-c", _SAME_ROW_EVERYWHERE.format(first=first)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"

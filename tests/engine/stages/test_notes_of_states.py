"""What fits of several cells say for the report: each sentence once."""

from __future__ import annotations

import pytest

from adversity.engine.stages.fitting import notes_of_states

WEAK, OTHER = {"note": "weak"}, {"note": "no class c"}


@pytest.mark.parametrize(
    ("infos", "said"),
    [
        ({"": WEAK}, ["s: weak"]),
        ({"a=1": WEAK, "a=2": WEAK}, ["s: weak"]),
        ({"a=1": WEAK, "a=2": {"note": ""}, "a=3": {}}, ["s[a=1]: weak"]),
        ({"a=1": WEAK, "a=2": OTHER, "a=3": WEAK}, ["s[a=1; a=3]: weak", "s[a=2]: no class c"]),
        (
            {**{f"a={i}": WEAK for i in range(5)}, "a=9": {}},
            ["s[a=0; a=1; a=2; and 2 more]: weak"],
        ),
        ({"a=1": {}}, []),
    ],
)
def test_a_note_of_several_cells_is_said_once(infos, said):
    """Of all cells without naming them; of some with the first three of their names."""
    assert notes_of_states("s", infos) == said

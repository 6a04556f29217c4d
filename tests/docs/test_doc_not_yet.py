"""The page on the contract lists what is not used yet, and the list names what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

import adversity
from adversity import Degradation, Detector, PostHoc
from adversity.contracts.not_yet import NOT_YET, not_yet

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"


def test_the_page_lists_what_is_not_used_yet() -> None:
    """The table is that of the list; where it differs, put this one in its place."""
    lines = ["| in the contract | in this version |", "|---|---|"]
    table = "\n".join([*lines, *(f"| `{name}` | {what} |" for name, what in NOT_YET.items())])
    table = table if NOT_YET else "Nothing: all of it is used."
    _, _, rest = PAGE.read_text(encoding="utf-8").partition("<!-- not yet -->\n")
    assert rest.partition("<!-- end of not yet -->")[0].strip() == table, f"\n{table}\n"


@pytest.mark.parametrize("name", NOT_YET)
def test_what_is_listed_is_in_the_contract(name: str) -> None:
    """A class, a field of a value, or an argument of a method: no line outlives its subject."""
    owner, _, rest = name.partition(".")
    part = getattr(adversity, owner)
    member, _, argument = rest.partition("(")
    if member:
        assert member in getattr(part, "__dataclass_fields__", {}) or hasattr(part, member)
    if argument:
        assert argument.rstrip(")") in getattr(part, member).__annotations__


def test_a_shape_that_is_not_used_yet_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever derives from it, too; others can be used."""
    monkeypatch.setattr("adversity.contracts.not_yet.NOT_YET", {"Detector": "refused"})
    far = type("Far", (Detector,), {"__module__": __name__})
    assert not_yet(far) == not_yet(Detector) == "refused"
    assert not_yet(PostHoc) is None
    assert not_yet(type("Detector", (PostHoc,), {"__module__": __name__})) is None
    assert not_yet(Degradation) is None

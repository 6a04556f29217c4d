"""What the kit says of a plugin whose assets nobody fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from adversity import Asset, Restoration
from adversity.testing import check_plugin
from adversity.testing.kit.conformance import trials
from adversity.testing.kit.parametrize import Case

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

MORNING = Asset("npm", "dew", "1.0", "MIT", {"package/w.bin": "0" * 64}, 1, "weights")


class Dew(Restoration):
    """Leave images as they are, once its weights were fetched."""

    name: ClassVar[str] = "dew"
    assets: ClassVar[tuple[Asset, ...]] = (MORNING,)

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        """Return the images."""
        return images.clone()


@pytest.fixture(autouse=True)
def _nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_it_is_untried_and_has_not_passed() -> None:
    """One outcome for all checks, with the command; nothing speaks for or against it."""
    result = check_plugin(Dew, raises=False)
    assert {outcome.status for outcome in result.outcomes} == {"untried"}
    assert not result.passed
    assert not result.failures
    assert "nothing was tried: npm:dew@1.0 is not here; run: adversity assets fetch" in str(result)


@pytest.mark.parametrize(("required", "raised"), [("", "Skipped"), ("required", "Failed")])
def test_pytest_skips_unless_assets_are_required(
    required: str, raised: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`.ci/run --all` asks for them: there it is a failure."""
    monkeypatch.setenv("ADVERSITY_ASSETS", required)
    case = Case(next(trials(Dew)))
    kind = getattr(pytest, {"Skipped": "skip", "Failed": "fail"}[raised]).Exception
    with pytest.raises(kind, match=r"not tried: npm:dew@1\.0"):
        case()


def test_parameters_may_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `needed_assets` leaves out is not asked for."""
    monkeypatch.setattr(Dew, "needed_assets", lambda _: ())
    assert check_plugin(Dew, raises=False).passed

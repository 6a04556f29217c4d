"""Plugins are found in the files of a package: adding one is adding a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from adversity import Degradation, plugins_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUGIN = """\
from typing import ClassVar
from adversity import Degradation


class {name}({base}):
    \"\"\"Leave images as they are.\"\"\"

    name: ClassVar[str] = "{plugin}"

    def degrade(self, images, rng):
        return images
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty package `acme_found` that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "acme_found"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_found"]:
        del sys.modules[name]


def test_every_file_of_every_folder_gives_its_plugins(package: Path) -> None:
    """By file, families included; what a file imports from another one counts there only."""
    (package / "weather").mkdir()
    (package / "weather/__init__.py").write_text("")
    (package / "weather/fog.py").write_text(
        PLUGIN.format(name="Fog", base="Degradation", plugin="fog")
    )
    (package / "rain.py").write_text(
        "from acme_found.weather.fog import Fog\n"
        + PLUGIN.format(name="Rain", base="Fog", plugin="rain")
    )
    names = [plugin.name for plugin in plugins_in("acme_found", Degradation)]
    assert names == ["rain", "fog"]


def test_what_begins_with_an_underscore_is_not_even_imported(package: Path) -> None:
    """Files, folders and classes: what plugins share is none, and may cost an import of torch."""
    (package / "_kernels.py").write_text("raise RuntimeError('imported')")
    (package / "_shared").mkdir()
    (package / "_shared/__init__.py").write_text("raise RuntimeError('imported')")
    (package / "mist.py").write_text(
        PLUGIN.format(name="_Base", base="Degradation", plugin="base")
        + "\n\n"
        + PLUGIN.format(name="Mist", base="_Base", plugin="mist")
    )
    assert [plugin.name for plugin in plugins_in("acme_found", Degradation)] == ["mist"]


def test_a_package_s_own_file_gives_plugins_too(package: Path) -> None:
    """What the `__init__.py` of the package or of a folder in it defines is not left out."""
    (package / "__init__.py").write_text(
        PLUGIN.format(name="Smoke", base="Degradation", plugin="smoke")
    )
    (package / "weather").mkdir()
    (package / "weather/__init__.py").write_text(
        PLUGIN.format(name="Fog", base="Degradation", plugin="fog")
    )
    assert [plugin.name for plugin in plugins_in("acme_found", Degradation)] == ["smoke", "fog"]


def test_abstract_classes_and_other_kinds_are_left_out(package: Path) -> None:
    """A base that leaves the method open is no plugin; a file may hold plugins of two kinds."""
    (package / "haze.py").write_text(
        "from adversity import Restoration\n"
        + PLUGIN.format(name="Haze", base="Degradation", plugin="haze")
        + "\n\nclass Open(Degradation):\n    pass\n"
        + "\n\nclass Dehaze(Restoration):\n    name = 'dehaze'\n"
        + "    def restore(self, images, **needs):\n        return images\n"
    )
    assert [plugin.name for plugin in plugins_in("acme_found", Degradation)] == ["haze"]

"""The cached catalogue says what the registry says, without importing a plugin."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import adversity
from adversity import registry
from adversity.registry import catalogue, read_catalogue
from adversity.registry.catalogue import cache_file

BROKEN = Path(__file__).parents[1] / "thirdparty" / "broken"

READ = """
import json, sys
from adversity.registry import read_catalogue
catalogue = read_catalogue()
heavy = ["pydantic", "torch", "numpy", "pluggy", "adversity_plugins"]
print(json.dumps([len(catalogue.plugins), [m for m in heavy if m in sys.modules]]))
"""
LOAD = """
import json, sys
from adversity.registry import discover
found = discover()
heavy = ["torch", "torchvision", "sklearn", "skimage", "scipy", "prefect", "dvc"]
print(json.dumps([len(found.entries()), [m for m in heavy if m in sys.modules]]))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep the user's own cache out of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if sys.platform != "linux":
        monkeypatch.setattr(catalogue, "user_cache", lambda: tmp_path / "cache" / "adversity")


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Let this process count as one that started after every edit the tests make."""
    monkeypatch.setattr(catalogue, "_STARTED", time.time_ns() + 10**12)


@pytest.fixture
def builds(monkeypatch):
    """Count how often the catalogue is made anew."""
    made = []
    make = catalogue._make
    monkeypatch.setattr(catalogue, "_make", lambda found: made.append(1) or make(found))
    return made


def child(code):
    """Run code in a fresh interpreter and return what it printed, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout)


def test_reading_the_cache_imports_no_plugin_and_nothing_heavy():
    """Shell completion answers from it; pydantic alone would cost more than it may take."""
    plugins, imported = len(read_catalogue().plugins), None
    listed, imported = child(READ)
    assert (listed, imported) == (plugins, [])


def test_loading_every_plugin_imports_no_torch():
    """`adversity plugins` and `validate` stay quick: heavy imports live inside methods."""
    entries, imported = child(LOAD)
    assert entries > 0
    assert imported == []


def test_the_catalogue_says_what_the_registry_says(site):
    """Every entry with its class's own texts, and every problem."""
    site.lay_broken("acme-twin-one", "acme-exits", "acme-newer-api")
    found = site.discover()
    listed = read_catalogue(refresh=True)
    assert [(p.kind, p.name, p.status) for p in listed.plugins] == [
        (e.kind, e.name, e.status) for e in found.entries()
    ]
    assert listed.problems == found.problems
    (tilt,) = [p for p in listed.plugins if p.name == "tilt"]
    assert (tilt.summary, tilt.licence, tilt.usable_name) == ("Tilt an image.", None, "tilt")
    assert tilt.claims["resizes"] is False
    assert "tilt" in listed.names("degradation")
    assert "future" not in listed.names("degradation")


def test_a_licence_comes_from_the_class_or_the_metadata_or_is_unknown(site):
    """What the class states goes first; an author who says nothing has said nothing."""
    source = BROKEN.joinpath("acme_twin_one.py").read_text()
    line = '    name: ClassVar[str] = "tilt"\n'
    assert line in source
    for name, claim, field in (
        ("acme-silent", None, "License: MIT\n"),
        ("acme-metadata", None, "License-Expression: EUPL-1.2\n"),
        ("acme-class", "0BSD", "License-Expression: EUPL-1.2\n"),
    ):
        said = line.replace("tilt", name.replace("-", "_"))
        said += f'    licence: ClassVar[str] = "{claim}"\n' if claim else ""
        site.lay(name, source.replace(line, said))
        file = site.folder / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA"
        file.write_text(file.read_text() + field)
    found = {p.name: p.licence for p in read_catalogue(refresh=True).plugins}
    assert found["acme_silent"] is None
    assert found["acme_metadata"] == "EUPL-1.2"
    assert found["acme_class"] == "0BSD"
    assert found["gaussian_noise"] == "MIT"


def test_the_second_reading_comes_from_the_cache(builds):
    """And it is equal to the first in every field."""
    first = read_catalogue()
    assert read_catalogue() == first
    assert len(builds) == 1
    assert read_catalogue(refresh=True) == first
    assert len(builds) == 2


def test_the_cache_is_stale_after_an_edit_an_install_and_a_block(site, builds, monkeypatch):
    """Whatever could change the listing changes the key."""
    site.lay_broken("acme-twin-one")
    read_catalogue()
    file = site.folder / "acme_twin_one.py"
    file.write_text(file.read_text() + "\n# edited\n")
    read_catalogue()
    assert len(builds) == 2
    site.lay_broken("acme-twin-two")
    assert "acme-twin-two:tilt" in read_catalogue().names("degradation")
    monkeypatch.setenv("ADVERSITY_BLOCK", "acme-twin-two")
    assert "tilt" in read_catalogue().names("degradation")
    assert read_catalogue().left_out == ("acme-twin-two",)
    assert len(builds) == 4


def test_the_cache_is_stale_after_an_edit_of_what_plugins_import(builds, monkeypatch):
    """A name that `adversity` did not export breaks a plugin; when it does, the listing says so."""
    read_catalogue()
    changed = catalogue._changed
    root = Path(adversity.__file__)
    monkeypatch.setattr(catalogue, "_changed", lambda path: changed(path) - (path == root))
    read_catalogue()
    assert len(builds) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}', "null"])
def test_a_damaged_cache_is_made_anew(content, builds):
    """It is a cache: nothing in it is believed unless it is whole."""
    first = read_catalogue()
    key = json.loads(cache_file().read_text())["key"]
    cache_file().write_text(content.replace("1", json.dumps(key)))
    assert read_catalogue() == first
    assert len(builds) == 2


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    """The listing is right; the next start makes it again."""
    blocker = tmp_path / "a_file"
    blocker.write_text("")
    monkeypatch.setattr(catalogue, "user_cache", lambda: blocker / "cache" / "adversity")
    assert read_catalogue().plugins


def test_an_edit_during_a_process_is_not_cached_by_it(site, builds, monkeypatch):
    """It may have imported the file before the edit, and would write the old under the new key."""
    monkeypatch.setattr(catalogue, "_STARTED", time.time_ns() - 10**12)
    site.lay_broken("acme-twin-one")
    assert "tilt" in read_catalogue().names("degradation")
    assert not cache_file().exists()
    read_catalogue()
    assert len(builds) == 2


def test_nothing_half_written_stays_behind():
    """One file in the cache, and it is whole."""
    read_catalogue(refresh=True)
    (file,) = cache_file().parent.iterdir()
    assert file == cache_file()
    assert json.loads(file.read_text())["plugins"]


def test_the_names_of_the_package_are_those_it_resolves():
    """`__all__` and the lazy table agree."""
    assert all(getattr(registry, name) for name in registry.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = registry.nothing

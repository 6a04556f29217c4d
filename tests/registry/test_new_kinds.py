"""Kinds of plugins that a distribution brings: found before any plugin, judged, and isolated."""

import subprocess
import sys
from abc import abstractmethod
from typing import ClassVar

import pytest

from adversity.contracts import KINDS, Kind, PluginBase
from adversity.registry.catalogue import read_catalogue
from adversity.registry.new_kinds import kind_fault

KIND = '''
from abc import abstractmethod
from typing import ClassVar
from adversity import hookimpl
from adversity.contracts import Kind, PluginBase


class Lens(PluginBase):
    """Say what a lens does."""

    describes: ClassVar[Kind] = Kind({words})

    @abstractmethod
    def bend(self, angle): ...


@hookimpl
def adversity_kinds():
    return [Lens]
'''
PLUGIN = '''
from typing import ClassVar
from adversity import hookimpl
from acme_zoom import Lens


class Prism(Lens):
    """Bend by a factor."""

    name: ClassVar[str] = "prism"

    def bend(self, angle):
        return 2 * angle


@hookimpl
def adversity_lenses():
    return [Prism]
'''
WORDS = {"name": "lens", "hook": "adversity_lenses", "noun": "a lens"}
STEP = {
    "role": "bend",
    "makes": "bends",
    "leaves": "bends",
    "takes": ("images",),
    "stage": "acme_zoom:Stage",
}


def kind(**changes):
    """Return the module of a distribution that brings a kind."""
    words = {**WORDS, **changes}
    return KIND.replace("{words}", ", ".join(f"{name}={value!r}" for name, value in words.items()))


def test_a_kind_is_known_whoever_comes_first(site):
    """A plugin of it from a distribution that sorts before the kind's own is found."""
    site.lay("acme-zoom", kind())
    site.lay("acme-prisms", PLUGIN)
    registry = site.discover()
    assert registry.get("lens", "prism").status == "ok"
    assert list(registry.kinds)[-1] == "lens"
    assert [p for p in registry.problems if p.distribution.startswith("acme")] == []


def test_without_the_kind_its_hook_is_unknown_and_the_others_stay(site):
    """A plugin whose kind nobody brings is a problem of its distribution alone."""
    site.lay("acme-zoom", kind().replace("return [Lens]", "return []"))
    site.lay("acme-prisms", PLUGIN)
    (problem,) = site.problems("acme-prisms")
    assert "unknown hook adversity_lenses" in problem.what
    assert site.discover().get("degradation", "gaussian_noise").status == "ok"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Lens"}, "expected a name in snake_case"),
        ({"name": "attack"}, "kind attack: there is a kind of this name"),
        ({"hook": "lenses"}, "expected a hook such as adversity_certifiers, got 'lenses'"),
        ({"hook": "adversity_attacks"}, "there is a hook adversity_attacks"),
        ({"hook": "adversity_run_started"}, "there is a hook adversity_run_started"),
        ({"order": "first"}, "order: Input should be a valid integer, got 'first'"),
        ({"takes": "images"}, "takes: Input should be a valid tuple, got 'images'"),
        ({"makes": "bends"}, "without a role it is never a step, and has no makes"),
        ({"role": "bend"}, "a step of role bend has makes and leaves and takes and stage"),
        ({**STEP, "role": "view"}, "role view belongs to another kind"),
        ({**STEP, "role": "predict"}, "role predict belongs to another kind"),
        ({**STEP, "role": "define"}, "role define belongs to another kind"),
        ({**STEP, "makes": "scores"}, "another kind makes scores in another way"),
        ({**STEP, "stage": "acme_zoom.Stage"}, "expected stage as package.module:Class"),
    ],
)
def test_a_kind_that_the_house_cannot_work_with_is_refused(changes, said):
    """The message says what of the description is wrong."""

    class Lens(PluginBase):
        """Say what a lens does."""

        describes: ClassVar[Kind] = Kind(**{**WORDS, **changes})

        @abstractmethod
        def bend(self, angle):
            """Bend."""

    assert said in kind_fault(Lens, KINDS)


@pytest.mark.parametrize("changes", [{}, STEP], ids=["parameter", "step"])
def test_a_parameter_and_a_step_with_a_table_are_kinds(changes):
    """Each of the two sorts of kinds is taken as described."""

    class Lens(PluginBase):
        """Say what a lens does."""

        describes: ClassVar[Kind] = Kind(**{**WORDS, **changes})

        @abstractmethod
        def bend(self, angle):
            """Bend."""

    assert kind_fault(Lens, KINDS) is None


def test_what_is_no_contract_is_refused():
    """A value, a class that describes nothing, and one that promises nothing are no contracts."""

    class Bare(PluginBase):
        """Describe nothing."""

    class Idle(PluginBase):
        """Promise nothing."""

        describes: ClassVar[Kind] = Kind(**WORDS)

    assert "a class that inherits from PluginBase, got 3" in kind_fault(3, KINDS)
    assert "expected Bare to describe its kind, got None" in kind_fault(Bare, KINDS)
    assert "expected Idle to promise a method" in kind_fault(Idle, KINDS)


def test_an_announcement_that_fails_hides_nobody_else(site):
    """Its distribution is told of, and the others' kinds and plugins are there."""
    site.lay("acme-zoom", kind())
    site.lay("bent-zoom", kind().replace("return [Lens]", "raise OSError('no glass')"))
    registry = site.discover()
    (problem,) = [p for p in registry.problems if p.distribution == "bent-zoom"]
    assert "adversity_kinds raised OSError: no glass" in problem.what
    assert "lens" in registry.kinds
    assert registry.get("degradation", "gaussian_noise").status == "ok"


def test_two_distributions_with_one_kind_are_told(site):
    """The first has it, and the second is told whose it is."""
    site.lay("acme-zoom", kind())
    site.lay("best-zoom", kind())
    (problem,) = site.problems("best-zoom")
    assert "kind lens: there is a kind of this name, acme_zoom" in problem.what


def test_two_entry_points_with_one_module_bring_a_kind_once(site):
    """The second one of the same distribution is no claim against the first."""
    site.lay("acme-zoom", kind(), points={"lenses": "acme_zoom", "more": "acme_zoom"})
    assert site.problems("acme-zoom") == []
    assert "lens" in site.discover().kinds


def test_another_distribution_cannot_announce_the_same_contract(site):
    """Whose kind it is stays clear: the second one is a problem of its distribution."""
    site.lay("acme-zoom", kind())
    announced = "from adversity import hookimpl\nfrom acme_zoom import Lens\n"
    site.lay("best-zoom", announced + "@hookimpl\ndef adversity_kinds():\n    return [Lens]\n")
    (problem,) = site.problems("best-zoom")
    assert "kind lens: there is a kind of this name, acme_zoom" in problem.what
    assert site.problems("acme-zoom") == []


def test_the_catalogue_lists_what_plugins_of_a_new_kind_claim(site, tmp_path, monkeypatch):
    """The claims that the kind's own contract declares; its description is none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    claim = "    clear: ClassVar[bool] = False\n\n    @abstractmethod"
    site.lay("acme-zoom", kind().replace("    @abstractmethod", claim))
    site.lay(
        "acme-prisms", PLUGIN.replace('"prism"\n', '"prism"\n    clear: ClassVar[bool] = True\n')
    )
    (prism,) = [p for p in read_catalogue(refresh=True).plugins if p.name == "prism"]
    assert prism.claims["clear"] is True
    assert "describes" not in prism.claims


def test_a_kind_s_code_is_imported_by_nobody_who_lists_plugins(site):
    """Stage, calls, kit and sections are named: looking for plugins imports none, nor torch."""
    site.folder.joinpath("acme_stage.py").write_text("raise RuntimeError('imported')")
    places = dict.fromkeys(("call", "public", "stage"), "acme_stage:X")
    site.lay("acme-zoom", kind(**{**STEP, **places}, kit="acme_stage", sections=("acme_stage",)))
    site.lay("acme-prisms", PLUGIN)
    script = (
        "import sys; from adversity.registry import discover;"
        "assert discover().get('lens', 'prism').status == 'ok'; assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(site.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

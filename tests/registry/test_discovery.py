"""Discovery isolates every way in which a distribution can be broken."""

import sys

import pytest

from adversity.distributions import distribution_version

GOOD = '''
from typing import ClassVar
from adversity import Attack, Degradation, hookimpl

class Tilt(Degradation):
    """Tilt an image."""
    name: ClassVar[str] = "tilt"
    def degrade(self, images, rng):
        return images.flip(-1)
'''
HOOK = "\n@hookimpl\ndef adversity_degradations():\n    "
SAID = {
    "acme-import-error": "cannot be imported: ModuleNotFoundError: No module named "
    "'a_package_nobody_has' (acme_import_error.py, line 3); install a_package_nobody_has, and "
    "list it among the distribution's dependencies",
    "acme-exits": "cannot be imported: SystemExit: acme has no licence key (acme_exits.py, "
    "line 3); a plugin must not end the program; raise an error in the method that needs it",
    "acme-wrong-return": "adversity_degradations must return a list of classes, got None; "
    "write return [YourClass]",
    "acme-newer-api": "degradation future: expected contract version 1, got a plugin written "
    "for 99; upgrade adversity",
    "acme-misspelt-hook": "unknown hook adversity_degredations; "
    "did you mean adversity_degradations?",
    "acme-wrong-argument": "adversity_degradations takes the argument severity, "
    "which its hook does not give: none; take only what it gives",
    "acme-abstract": "degradation unwritten: class Tilt does not define degrade; write it",
}


def test_every_broken_distribution_is_named_and_hides_no_other(site):
    """Seven broken distributions beside a good one: seven problems, and the good one works."""
    site.lay("acme-good", GOOD + HOOK + "return [Tilt]\n", version="2.5")
    site.lay_broken(*SAID)
    registry = site.discover()
    entry = registry.get("degradation", "tilt")
    assert (entry.distribution, entry.version, entry.status) == ("acme-good", "2.5", "ok")
    assert entry.cls().name == "tilt"
    named = {p.distribution: p.what for p in registry.problems if p.distribution in SAID}
    assert named == SAID


def test_a_problem_carries_version_entry_point_and_traceback(site):
    """An exception at import is reported with where it came from."""
    site.lay_broken("acme-import-error")
    (problem,) = site.problems("acme-import-error")
    assert (problem.version, problem.entry_point) == ("1.0", "plugins")
    assert "acme_import_error.py" in problem.traceback
    assert str(problem).startswith("acme-import-error 1.0 (plugins): cannot be imported")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("return Tilt", "got class Tilt", id="a class alone"),
        pytest.param("return 'Tilt'", "got str", id="text"),
        pytest.param("return {'tilt': Tilt}", "got dict", id="mapping"),
        pytest.param("return [Tilt()]", "got an instance of Tilt", id="instance"),
        pytest.param("return [3]", "got 3 (int)", id="number"),
        pytest.param("return [int]", "class int, which does not inherit", id="foreign class"),
        pytest.param("return [Other]", "return it from adversity_attacks", id="other kind"),
        pytest.param("return [Nameless]", "class Nameless has no name", id="no name"),
        pytest.param("return [Mute]", "class Mute has no docstring", id="no docstring"),
        pytest.param("return [Shouting]", "snake_case", id="name not in snake_case"),
        pytest.param("return [Deaf]", "Deaf.degrade(self, images) cannot", id="signature"),
        pytest.param("return [Numeric]", "must be a method, got 5", id="method is a number"),
        pytest.param("raise SystemExit(2)", "raised SystemExit: 2", id="exit in the hook"),
        pytest.param("return [Tilt, Unprintable()]", "repr fails", id="repr raises"),
    ],
)
def test_what_a_hook_returns_is_judged(site, body, said):
    """Each wrong return is one sentence that says what was expected and what came."""
    more = '''
class Other(Attack):
    """Attack."""
    name: ClassVar[str] = "other"
    def perturb(self, target, images, labels, rng):
        return images

class Nameless(Tilt):
    """Have no name."""
    name: ClassVar[str] = ""

class Mute(Tilt):
    name: ClassVar[str] = "mute"

class Shouting(Tilt):
    """Shout."""
    name: ClassVar[str] = "Shouting-Tilt"

class Deaf(Tilt):
    """Take no generator."""
    name: ClassVar[str] = "deaf"
    def degrade(self, images):
        return images

class Numeric(Tilt):
    """Have a number for a method."""
    name: ClassVar[str] = "numeric"
    degrade: ClassVar[int] = 5

class Unprintable:
    def __repr__(self):
        raise ValueError("no")
'''
    site.lay("acme-returns", GOOD + more + HOOK + body + "\n")
    (problem,) = site.problems("acme-returns")
    assert said in problem.what


def test_classes_before_an_exception_in_a_generator_are_kept(site):
    """A hook that yields may raise while it is iterated, outside pluggy's own guard."""
    site.lay("acme-yields", GOOD + HOOK + "yield Tilt\n    raise RuntimeError('half')\n")
    registry = site.discover()
    assert registry.get("degradation", "tilt").distribution == "acme-yields"
    (problem,) = [p for p in registry.problems if p.distribution == "acme-yields"]
    assert problem.what.startswith(
        "adversity_degradations raised RuntimeError: half (acme_yields.py, line 14); fix it"
    )


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(GOOD, "no function marked @hookimpl", id="no hook"),
        pytest.param(
            GOOD + HOOK.replace("@hookimpl\n", "") + "return [Tilt]\n",
            "adversity_degradations is not marked; write @hookimpl",
            id="unmarked hook",
        ),
        pytest.param(
            GOOD + HOOK.replace("@hookimpl", "@hookimpl(wrapper=True)") + "return (yield)\n",
            "is a wrapper",
            id="wrapper",
        ),
        pytest.param("def oops(:\n", "SyntaxError", id="syntax error"),
        pytest.param("raise KeyError('x' * 9)", "KeyError", id="exception"),
    ],
)
def test_a_module_that_offers_nothing_says_why(site, source, said):
    """Silence is never the answer: an entry point that gives no plugin is a problem."""
    site.lay("acme-silent", source)
    (problem,) = site.problems("acme-silent")
    assert said in problem.what


def test_a_hook_of_a_later_version_may_be_marked_optional(site):
    """pluggy's own way to serve two versions of the host at once is respected."""
    later = "\n@hookimpl(optionalhook=True)\ndef adversity_certifiers():\n    return []\n"
    site.lay("acme-both", GOOD + HOOK + "return [Tilt]\n" + later)
    assert site.problems("acme-both") == []
    assert site.discover().get("degradation", "tilt")


def test_an_older_plugin_is_to_be_upgraded_itself(site):
    """The message names the side that has to move."""
    source = GOOD.replace('"tilt"\n', '"tilt"\n    api: ClassVar[int] = 0\n')
    site.lay("acme-old", source + HOOK + "return [Tilt]\n")
    (entry,) = [e for e in site.discover().entries() if e.distribution == "acme-old"]
    assert (entry.status, entry.cls, entry.api) == ("incompatible", None, 0)
    assert entry.error.endswith("upgrade acme-old")


def test_several_entry_points_of_one_distribution_are_apart(site):
    """A broken module does not hide its sister from the same distribution."""
    module = site.lay(
        "acme-two",
        GOOD + HOOK + "return [Tilt]\n",
        points={"good": "acme_two", "again": "acme_two", "bad": "acme_two_missing"},
    )
    registry = site.discover()
    assert registry.get("degradation", "tilt").cls.__module__ == module
    (problem,) = [p for p in registry.problems if p.distribution == "acme-two"]
    assert problem.entry_point == "bad"


def test_a_damaged_entry_points_file_anywhere_hides_no_plugin(site):
    """importlib.metadata gives up on the whole group; we go on one by one and name it."""
    site.lay("acme-good", GOOD + HOOK + "return [Tilt]\n")
    site.describe("damaged", points={})
    info = site.folder / "damaged-1.0.dist-info"
    info.joinpath("entry_points.txt").write_text("[adversity]\nthis is no entry point\n")
    registry = site.discover()
    assert registry.get("degradation", "tilt").status == "ok"
    (problem,) = [p for p in registry.problems if p.distribution == "damaged"]
    assert "expected lines `name = module` in its entry_points.txt" in problem.what


def test_the_user_can_interrupt_a_plugin_that_is_being_imported(site):
    """What arrives as a signal, as Ctrl-C does, ends the search; the plugin is not blamed."""
    source = "import signal\nsignal.raise_signal(signal.SIGINT)\n"
    site.lay("acme-interrupted", source)
    with pytest.raises(KeyboardInterrupt):
        site.discover()


def test_a_plugin_that_repeats_its_kind_does_not_replace_the_contract(site):
    """Writing `kind = "degradation"` in a plugin is redundant, not harmful."""
    from adversity.contracts import KINDS, Degradation

    source = GOOD.replace('"tilt"\n', '"tilt"\n    kind: ClassVar[str] = "degradation"\n')
    site.lay("acme-kind", source + HOOK + "return [Tilt]\n")
    assert site.discover().get("degradation", "tilt").status == "ok"
    assert KINDS["degradation"] is Degradation


def test_what_a_plugin_prints_at_import_stays_out_of_our_output(site, capsys):
    """`adversity plugins --json` must stay JSON; the text goes to standard error."""
    site.lay("acme-loud", "print('welcome to acme')\n" + GOOD + HOOK + "return [Tilt]\n")
    site.discover()
    out, err = capsys.readouterr()
    assert (out, err) == ("", "welcome to acme\n")


def test_the_seconds_of_the_import_are_kept(site):
    """A slow plugin can be named: its entry point's import time is on its entries."""
    site.lay("acme-slow", "import time\ntime.sleep(0.05)\n" + GOOD + HOOK + "return [Tilt]\n")
    assert site.discover().get("degradation", "tilt").seconds >= 0.05


@pytest.mark.parametrize("versions", [("1.0", "2.0"), ("2.0", "1.0")])
@pytest.mark.parametrize("name", ["acme-twice", "adversity"])
def test_metadata_of_two_versions_in_one_folder_are_refused(site, versions, name):
    """Nothing tells whose the code is, so no result names either; adversity is no exception."""
    module = site.lay(name, GOOD + HOOK + "return [Tilt]\n", version=versions[0])
    site.describe(name, version=versions[1], points={"plugins": module})
    (problem,) = site.problems(name)
    assert "got 1.0 and 2.0: no result could say which of them its code is" in problem.what
    assert f"uninstall {name}" in problem.what
    assert problem.hides
    mine = [e for e in site.discover().entries() if e.distribution == name and e.name == "tilt"]
    assert mine == []
    assert distribution_version(name) == "1.0 or 2.0"


def test_one_version_filed_twice_and_versions_in_two_folders_are_no_riddle(site, tmp_path):
    """The same version said twice is one; of two folders the first is what Python imports."""
    site.lay("acme-good", GOOD + HOOK + "return [Tilt]\n", version="2.0")
    info = site.folder / "acme_good.egg-info"
    info.mkdir()
    info.joinpath("PKG-INFO").write_text("Metadata-Version: 2.1\nName: acme-good\nVersion: 2.0\n")
    later = tmp_path / "later"
    later.joinpath("acme_good-1.0.dist-info").mkdir(parents=True)
    later.joinpath("acme_good-1.0.dist-info", "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-good\nVersion: 1.0\n"
    )
    sys.path.append(str(later))
    try:
        assert site.problems("acme-good") == []
        assert site.discover().get("degradation", "tilt").version == "2.0"
        assert distribution_version("acme-good") == "2.0"
    finally:
        sys.path.remove(str(later))

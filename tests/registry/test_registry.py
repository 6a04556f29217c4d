"""Names, clashes, blocking, refusals and life-cycle hooks."""

import pytest

from adversity.contracts import KINDS
from adversity.errors import UnknownPluginError
from adversity.registry import Entry, Registry, discover
from adversity.registry.discovery import Findings

LISTENER = """
from adversity import hookimpl
heard = []

@hookimpl
def adversity_run_started(run):
    {body}
"""


def entry(name, distribution, **changes):
    """Make an entry as discovery would."""
    fields = {"cls": KINDS["attack"], "api": 1, "version": "1.0", "status": "ok", **changes}
    return Entry(kind="attack", name=name, distribution=distribution, **fields)


def registry_of(*entries):
    """Settle entries without any distribution."""
    return Registry(Findings(entries=list(entries)))


def status(registry, distribution):
    """Return status and error of a distribution's only entry."""
    (found,) = [e for e in registry.entries() if e.distribution == distribution]
    return found.status, found.error


def test_the_built_in_entry_points_load():
    """Every kind's built-ins import and are judged without a broken class."""
    built_in = [e for e in discover().entries() if e.built_in]
    assert built_in
    assert [e.error for e in built_in if e.status != "ok"] == []


def test_a_built_in_keeps_its_short_name():
    """The third party's plugin is a clash, reached by its qualified name alone."""
    registry = registry_of(entry("pgd", "adversity"), entry("pgd", "acme"))
    assert registry.get("attack", "pgd").distribution == "adversity"
    assert registry.get("attack", "adversity:pgd").distribution == "adversity"
    assert registry.get("attack", "acme:pgd").distribution == "acme"
    assert status(registry, "acme") == (
        "clash",
        "attack pgd belongs to adversity; write acme:pgd to use that of acme",
    )


def test_an_installed_clash_with_a_built_in_is_reached_by_its_qualified_name(site):
    """End to end, with a distribution that takes the name gaussian_noise."""
    site.lay_broken("acme-clash")
    registry = site.discover()
    assert registry.get("degradation", "gaussian_noise").built_in
    assert registry.get("degradation", "Acme_Clash:gaussian_noise").status == "clash"


def test_third_parties_that_clash_all_lose_the_short_name(site):
    """Neither order of installation nor of names decides; the message names both ways."""
    site.lay_broken("acme-twin-one", "acme-twin-two")
    registry = site.discover()
    ways = "write acme-twin-one:tilt or acme-twin-two:tilt"
    with pytest.raises(UnknownPluginError, match=ways):
        registry.get("degradation", "tilt")
    for owner in ("acme-twin-one", "acme-twin-two"):
        assert registry.get("degradation", f"{owner}:tilt").distribution == owner
        assert status(registry, owner)[1].startswith("acme-twin-one and acme-twin-two both")


def test_a_broken_claimant_takes_no_name_from_a_sound_one():
    """A third party that cannot be used anyway does not make a short name ambiguous."""
    broken = entry("pgd", "acme", cls=None, status="broken", error="x")
    registry = registry_of(broken, entry("pgd", "bolt"))
    assert registry.get("attack", "pgd").distribution == "bolt"


def test_a_broken_built_in_is_never_replaced_in_silence():
    """The short name goes on meaning the built-in, so the pipeline fails, not changes."""
    broken = entry("pgd", "adversity", cls=None, status="broken", error="its file is damaged")
    registry = registry_of(broken, entry("pgd", "acme"))
    with pytest.raises(UnknownPluginError, match="its file is damaged"):
        registry.get("attack", "pgd")


def test_one_distribution_cannot_offer_two_classes_of_one_name():
    """Not even the qualified name would tell them apart."""
    registry = registry_of(entry("pgd", "acme"), entry("pgd", "acme"))
    with pytest.raises(UnknownPluginError, match="stands for 2 classes; rename all but one"):
        registry.get("attack", "pgd")
    assert [p.distribution for p in registry.problems] == ["acme"]


@pytest.mark.parametrize(
    "name",
    ["degradation/tilt", "degradation/acme-twin-one:tilt", "acme_twin.one:tilt", "Acme-Twin_One"],
)
def test_a_plugin_is_blocked_by_any_of_its_names(site, monkeypatch, name):
    """By argument and by variable alike, and the refusal says so."""
    site.lay_broken("acme-twin-one")
    blocked = site.discover(blocked=[name])
    with pytest.raises(UnknownPluginError, match=r"blocked"):
        blocked.get("degradation", "tilt")
    assert not [p for p in blocked.problems if p.entry_point == "ADVERSITY_BLOCK"]
    monkeypatch.setenv("ADVERSITY_BLOCK", f"attack/nobody, {name}")
    with pytest.raises(UnknownPluginError, match=r"blocked"):
        site.discover().get("degradation", "tilt")


def test_a_blocked_distribution_is_not_even_imported(site):
    """Blocking is how one gets rid of a plugin whose import does harm."""
    site.lay_broken("acme-exits")
    registry = site.discover(blocked=["acme-exits"])
    assert registry.left_out == ("acme-exits",)
    assert "acme-exits" not in {p.distribution for p in registry.problems}


def test_blocking_one_twin_gives_the_other_the_short_name(site):
    """A blocked plugin claims nothing."""
    site.lay_broken("acme-twin-one", "acme-twin-two")
    registry = site.discover(blocked=["acme-twin-two:tilt"])
    assert registry.get("degradation", "tilt").distribution == "acme-twin-one"


def test_a_block_that_blocks_nothing_is_said(site):
    """A misspelt name would let its plugin through unseen."""
    whats = [p.what for p in site.discover(blocked=["atack/pgd"]).problems]
    assert "atack/pgd is to be blocked but nothing installed has this name" in whats


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("attack", "pdg", "unknown plugin attack/pdg; did you mean pgd?"),
        ("attack", "acme:pgd", "unknown plugin attack/acme:pgd; did you mean pgd?"),
        ("atack", "pgd", "did you mean attack?"),
        ("zebra", "pgd", "kinds are degradation, restoration"),
        ("restoration", "pgd", "did you mean attack/pgd?"),
        ("metric", "zebra", "no metric is installed"),
        ("attack", "zebra", "there are fgsm, pgd"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(kind, name, said):
    """One message: what came, and what was probably meant."""
    registry = registry_of(entry("pgd", "adversity"), entry("fgsm", "adversity"))
    with pytest.raises(UnknownPluginError) as caught:
        registry.get(kind, name)
    assert said in str(caught.value)


def test_an_unknown_name_names_the_broken_distribution_that_may_have_it(site):
    """Otherwise a missing dependency looks like a spelling mistake."""
    site.lay_broken("acme-import-error")
    with pytest.raises(UnknownPluginError, match=r"acme-import-error 1\.0 is broken and may have"):
        site.discover().get("attack", "something_of_acme")


def test_a_qualified_name_blames_its_own_distribution_alone(site):
    """Of several broken ones, the message explains the one that was asked for."""
    site.lay_broken("acme-import-error", "acme-exits", "acme-misspelt-hook")
    registry = site.discover()
    with pytest.raises(UnknownPluginError) as caught:
        registry.get("degradation", "Acme_Exits:thing")
    assert str(caught.value).endswith(
        "acme-exits 1.0 is broken and may have it: "
        "cannot be imported: SystemExit: acme has no licence key (acme_exits.py, line 3); "
        "a plugin must not end the program; raise an error in the method that needs it."
    )
    with pytest.raises(UnknownPluginError, match="These are broken or blocked and may have it: a"):
        registry.get("degradation", "thing")


def test_what_was_found_is_kept_for_the_process(site):
    """The second call is the same object; refresh looks again."""
    first = discover()
    assert discover() is first
    site.lay_broken("acme-twin-one")
    assert discover() is first
    assert discover(refresh=True).get("degradation", "tilt")


def test_every_listener_hears_and_none_stops_the_run(site):
    """A listener that raises, or exits, is a problem of its distribution only."""
    site.lay("acme-ear", LISTENER.format(body="heard.append(run['id'])"))
    site.lay("acme-deaf", LISTENER.format(body="raise SystemExit(9)"))
    site.lay("acme-rude", LISTENER.format(body="run['id'] = 'mine'"))
    registry = site.discover()
    problems = registry.notify("adversity_run_started", run={"id": "run-1"})
    assert sorted(p.distribution for p in problems) == ["acme-deaf", "acme-rude"]
    import acme_ear

    assert acme_ear.heard == ["run-1"]


def test_no_listener_changes_what_others_hear_or_what_the_run_has(site):
    """Each gets copies in depth: a list in a mapping that one empties is full for the next."""
    for name in ("acme-one", "acme-two"):
        site.lay(name, LISTENER.format(body="heard.append(run['steps'][:]); run['steps'].clear()"))
    facts = {"id": "a", "steps": ["net", "report"]}
    assert site.discover().notify("adversity_run_started", run=facts) == ()
    import acme_one
    import acme_two

    assert acme_one.heard == acme_two.heard == [["net", "report"]]
    assert facts["steps"] == ["net", "report"]


def test_it_is_known_beforehand_whether_anybody_listens(site):
    """So a run gathers facts for those that hear them, and for nobody else."""
    nobody = site.discover()
    site.lay("acme-ear", LISTENER.format(body="heard.append(run['id'])"))
    somebody = site.discover()
    hooks = ("adversity_run_started", "adversity_step_finished")
    assert [nobody.listens(hook) for hook in hooks] == [False, False]
    assert [somebody.listens(hook) for hook in hooks] == [True, False]


def test_a_listener_that_says_what_is_wrong_is_quoted(site):
    """An error of ours is the author's own message to the user, who has no hook to fix."""
    body = "raise __import__('adversity').errors.RunError('the server is down; start it')"
    site.lay("acme-frank", LISTENER.format(body=body))
    (problem,) = site.discover().notify("adversity_run_started", run={"id": "a"})
    assert problem.what == "the server is down; start it; the run goes on without it"


def test_a_long_message_of_a_listener_keeps_its_end(site):
    """The reason stands behind a path that may be long; an exception of a library is cut."""
    place = "p" * 400
    said = repr(f"expected {place} to answer, got a refusal")
    ours = f"raise __import__('adversity').errors.RunError({said})"
    site.lay("acme-frank", LISTENER.format(body=ours))
    site.lay("acme-broken", LISTENER.format(body=f"raise ValueError({said})"))
    problems = {
        p.distribution: p.what for p in site.discover().notify("adversity_run_started", run={})
    }
    assert "got a refusal; the run goes on without it" in problems["acme-frank"]
    assert "got a refusal" not in problems["acme-broken"]


def test_a_listener_may_take_fewer_arguments_than_its_hook(site):
    """So a hook can gain arguments without breaking anybody."""
    source = LISTENER.format(body="heard.append(run['id'])").replace("run_started", "run_finished")
    site.lay("acme-few", source)
    registry = site.discover()
    assert registry.notify("adversity_run_finished", run={"id": "a"}, result={}) == ()


NOTIFIER = """
from adversity import Notifier, hookimpl

class Dew(Notifier):
    name = {name!r}

    def send(self, message):
        pass

@hookimpl
def adversity_notifiers():
    {body}
    return [Dew]
"""


def test_third_parties_bring_ways_to_tell_somebody(site):
    """A broken hook, and a name that is taken, are problems of their distributions alone."""
    site.lay("acme-dew", NOTIFIER.format(name="dew", body=""))
    site.lay("acme-late", NOTIFIER.format(name="dew", body=""))
    site.lay("acme-broken", NOTIFIER.format(name="mist", body="raise SystemExit(9)"))
    found, problems = site.discover().notifiers()
    assert found["dew"].__module__ in {"acme_dew", "acme_late"}
    assert "mist" not in found
    told = {problem.distribution: problem.what for problem in problems}
    assert "adversity_notifiers raised" in told.pop("acme-broken")
    assert next(iter(told.values())).startswith("notifier dew is acme_")

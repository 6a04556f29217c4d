"""What computes, compared with what a run recorded: plugins, the engine, libraries, assets, hardware."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adversity.distributions import distribution_version
from adversity.pipeline.plan.in_versions import file_name
from adversity.pipeline.plan.nested import all_nested
from adversity.provenance import processor
from adversity_flows.proof.check import Check, compared

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from adversity.contracts import PluginBase
    from adversity.contracts.asset import Asset
    from adversity.pipeline.plan.model import Plan
    from adversity_flows.proof.subject import Subject

__all__ = ["asset_checks", "device_checks", "library_checks", "source_checks"]

_COMPUTE_NOTHING = ("dvc", "prefect")
"""Libraries that a run records and that change no number."""


def asset_checks(plan: Plan, only: Collection[str] | None = None) -> Iterator[Check]:
    """Hash every file out of a package that plugins read; a plugin's source says what it must be.

    Args:
        plan: The pipeline.
        only: The steps and data sets that count; all, and metrics, if not given.
    """
    for asset in _assets(plan, only):
        faults = list(filter(None, map(asset.fault, asset.files)))
        recorded = ",".join(value[:16] for value in asset.files.values())
        if not asset.present:
            why = "it is not here; `adversity assets fetch` brings it"
            yield Check("asset", asset.label, "missing", why, recorded)
        elif faults:
            yield Check("asset", asset.label, "changed", faults[0], recorded)
        else:
            yield Check("asset", asset.label, "holds", asset.use, recorded, recorded)


def source_checks(
    subject: Subject, plan: Plan, only: Collection[str] | None = None
) -> Iterator[Check]:
    """Compare the source of each plugin and of the engine, by version and fingerprint.

    Args:
        subject: The run.
        plan: Its pipeline.
        only: The steps, data sets and metrics (`metric/accuracy`) that count; all, if not given.
    """
    if not subject.resolved:
        yield Check("plugin", "all", "not recorded", "the run recorded no sources of plugins")
        return
    now = dict(_sources(plan.resolved))
    for label, then in _sources(subject.resolved, only):
        yield _of_source("plugin", label, then, now.get(label))
    then = subject.resolved.get("core", {}).get("engine", {})
    yield _of_source("engine", "adversity", then, plan.resolved["core"]["engine"])


def library_checks(subject: Subject) -> Iterator[Check]:
    """Compare the versions of Python and of all that computes."""
    if not subject.versions:
        why = "with which versions it was computed stands in runs/, on the machine that ran"
        yield Check("library", "all", "not recorded", why)
    for name, then in sorted(subject.versions.items()):
        if name not in _COMPUTE_NOTHING and not name.startswith("./"):
            now = platform.python_version() if name == "python" else distribution_version(name)
            check = compared("library", name, then, now)
            yield Check("library", name, check.state, _versions(then, now), then, now)


def device_checks(subject: Subject, plan: Plan) -> Iterator[Check]:
    """Compare the processor: on another one last bits differ, which is said and is no fault."""
    then, now = subject.machine.get("processor"), processor()
    device = plan.spec.run.device
    words = "" if then == now else f"it was {then}, this is {now}: equal within 1e-5 is promised"
    if then is None:
        words = f"on which processor it was computed; this is {now}"
        yield Check("device", device, "not recorded", words, None, now)
    else:
        yield Check("device", device, "holds", words or now, then, now)


def _versions(then: str, now: str | None) -> str:
    if now is None:
        return f"{then} then, not installed here"
    return then if then == now else f"{then} then, {now} now: bits may differ"


def _of_source(
    what: str, label: str, then: Mapping[str, Any], now: Mapping[str, Any] | None
) -> Check:
    recorded, found = then.get("fingerprint"), (now or {}).get("fingerprint")
    check = compared(what, label, recorded, found)
    if now is None or recorded is None:
        return check
    same = then.get("version") == now.get("version")
    origin = " ".join(str(now[key]) for key in ("distribution", "version") if now.get(key))
    words = {
        "holds": origin,
        "changed": "its source changed" if same else f"{then.get('version')} then, {origin} now",
    }
    return Check(what, label, check.state, words.get(check.state, ""), recorded, found)


def _sources(
    resolved: Mapping[str, Any], only: Collection[str] | None = None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each plugin of a file of resolved plugins once, those in parameters behind it."""
    seen: set[str] = set()
    for part in ("data", "steps", "metrics"):
        for id_, record in resolved.get(part, {}).items():
            if only is not None and id_ not in only and record.get("plugin") not in only:
                continue
            for one in record.get("plugins", {}).values() or (record,):
                inner = one.get("nested", {})
                for label, source in ((str(one.get("plugin")), one), *inner.items()):
                    if label not in seen and isinstance(source, Mapping):
                        seen.add(label)
                        yield label, source


def _assets(plan: Plan, only: Collection[str] | None) -> dict[Asset, None]:
    """Return the assets of plugins of a plan, each once."""
    plugins: list[PluginBase] = [] if only is not None else [*plan.metrics]
    for id_, data in plan.data.items():
        plugins += [data.plugin] if only is None or file_name(id_) in only else []
    for id_, step in plan.steps.items():
        plugins += step.plugins.values() if only is None or id_ in only else ()
    plugins += [nested.plugin for plugin in plugins for nested in all_nested(plugin)]
    found = (asset for plugin in plugins for asset in getattr(type(plugin), "assets", ()))
    return dict.fromkeys(found)

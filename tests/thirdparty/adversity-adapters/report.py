"""Run the conformance kit on the adapters and write what it finds as a page.

    python report.py --record outcomes.json --page peers.md [PLUGIN ...]

needs this distribution and the libraries installed. Outcomes are kept in the record, so that a
call with names runs these plugins again and writes the page with all that is recorded. A library
that is not installed is left out, and the page says so.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import time
import warnings
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adversity_adapters import PEERS, plugins_of
from adversity_adapters.findings import FINDINGS, Finding

from adversity.registry.entry import UNKNOWN_LICENCE, licence_of
from adversity.testing import check_plugin
from adversity.testing.kit.conformance import KIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adversity import PluginBase

DISTRIBUTIONS = {
    "torchattacks": "torchattacks",
    "foolbox": "foolbox",
    "art": "adversarial-robustness-toolbox",
    "secml_torch": "secml-torch",
    "adv_lib": "adv-lib",
    "pyautoattack": "pyautoattack",
    "imagecorruptions": "imagecorruptions",
    "corrupt_tta": "corrupt-tta",
    "deepinv": "deepinv",
    "netcal": "netcal",
    "timm": "timm",
}
"""The distribution that each file of adapters wraps."""
MODULES = {"secml_torch": "secmlt"}
"""Where the name that is imported is not the file's."""
BESIDE = (
    "adversity",
    "torch",
    "numpy",
    "scipy",
    "scikit-image",
    "opencv-python-headless",
    "opencv-python",
    "ptwt",
)
"""Other distributions of which the outcomes may depend."""
BLAME = re.compile(
    r"(\. This is a fault of the plugin, not of your pipeline; report it to its author\."
    r"|; report it to the plugin's author)"
)


def adapters() -> Iterator[tuple[str, type[PluginBase]]]:
    """Yield each file of adapters, by name, with its plugins."""
    for kind, peers in PEERS.items():
        for peer in peers:
            file = f"adversity_adapters.{peer}"
            yield from ((peer, cls) for cls in plugins_of(kind) if cls.__module__ == file)


def installed(peer: str) -> str | None:
    """Return the version of the library that a file of adapters wraps, or None."""
    try:
        return version(DISTRIBUTIONS[peer])
    except PackageNotFoundError:
        return None


def importable(peer: str) -> bool:
    """Say whether a library can be imported."""
    return find_spec(MODULES.get(peer, peer)) is not None


def examine(peer: str, cls: type[PluginBase]) -> dict[str, Any]:
    """Run the whole kit on a plugin."""
    began = time.perf_counter()
    found = check_plugin(cls, raises=False).as_json()
    for outcome in found["outcomes"]:
        del outcome["promise"]
    took = round(time.perf_counter() - began)
    return {**found, "peer": peer, "version": installed(peer), "seconds": took}


def page(record: dict[str, Any]) -> str:
    """Return the page."""
    return (
        "\n\n".join(
            (
                "# The kit on other libraries",
                _head(record),
                "## The libraries",
                _table(("library", "version", "licence", "plugins"), _libraries(record)),
                "## What was known, and which check meets it",
                _table(("what", "plugin", "with", "check", "found"), _known(record)),
                "## The outcomes",
                _table(("kind", "plugin", "passed", "failed", "does not apply"), _counts(record)),
                "## Every failed check",
                *_failures(record),
            )
        )
        + "\n"
    )


def _head(record: dict[str, Any]) -> str:
    others = ", ".join(f"{name} {number}" for name, number in record["beside"].items())
    return (
        "Attacks, degradations, restorers, calibrators and classifiers of other libraries, made "
        "plugins by [adapters of a few lines](../tests/thirdparty/adversity-adapters/README.md) "
        "that translate and fix nothing, and what [the conformance kit](kit.md) finds. The page is "
        "written by [`report.py`](../tests/thirdparty/adversity-adapters/report.py); the adapters' README "
        "says how to run it, and what the adapters add.\n\n"
        f"Made on {record['date']} with kit {record['kit']}, Python {record['python']}, {others}, "
        "on a CPU."
    )


def _libraries(record: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for peer, distribution in DISTRIBUTIONS.items():
        mine = [cls for name, cls in adapters() if name == peer]
        runs = [run for run in record["plugins"].values() if run["peer"] == peer]
        number = runs[0]["version"] if runs else "not installed"
        licences = " / ".join(dict.fromkeys(licence_of(cls) or UNKNOWN_LICENCE for cls in mine))
        yield distribution, number, licences, ", ".join(f"`{cls.name}`" for cls in mine)


def outcome_of(record: dict[str, Any], finding: Finding) -> dict[str, Any] | None:
    """Return the failed outcome that a finding speaks of, or None if nothing failed there."""
    for outcome in record["plugins"].get(finding.plugin, {"outcomes": ()})["outcomes"]:
        if (
            outcome["check"] == finding.check
            and outcome["status"] == "failed"
            and finding.parameters.items() <= outcome["parameters"].items()
            and finding.says in outcome["message"]
        ):
            found: dict[str, Any] = outcome
            return found
    return None


def _known(record: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for finding in FINDINGS:
        outcome = outcome_of(record, finding)
        found = "not met" if outcome is None else _told(outcome["message"])
        with_ = _given(finding.parameters)
        yield finding.what, f"`{finding.plugin}`", with_, f"`{finding.check}`", found


def _counts(record: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for run in _runs(record):
        of = [outcome["status"] for outcome in run["outcomes"]]
        counts = (str(of.count(status)) for status in ("passed", "failed", "skipped"))
        yield run["kind"], f"`{run['name']}`", *counts


def _failures(record: dict[str, Any]) -> Iterator[str]:
    for run in _runs(record):
        failed = [outcome for outcome in run["outcomes"] if outcome["status"] == "failed"]
        if failed:
            yield f"### {run['name']}"
            yield _table(("check", "with", "found"), _grouped(run, failed))


def _grouped(run: dict[str, Any], failed: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each check and message; parameters that never vary are left out."""
    tried = [outcome["parameters"] for outcome in run["outcomes"]]
    varies = [name for name in tried[0] if any(one[name] != tried[0][name] for one in tried)]
    with_: dict[tuple[str, str], list[str]] = {}
    for one in failed:
        given = _given({name: one["parameters"][name] for name in varies if name != "eps"})
        with_.setdefault((one["check"], _told(one["message"])), []).append(given)
    for (check, message), givens in with_.items():
        yield f"`{check}`", "; ".join(dict.fromkeys(givens)), message


def _runs(record: dict[str, Any]) -> list[dict[str, Any]]:
    names = [cls.name for _, cls in adapters()]
    return [record["plugins"][name] for name in names if name in record["plugins"]]


def _given(parameters: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in parameters.items()
    )


def _told(message: str) -> str:
    """Return a message for a cell: on one line, without whose fault it is and without paths."""
    return BLAME.sub(".", re.sub(r"\S*/(?=[^/\s]+\.py)", "", " ".join(message.split())))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [tuple(head)]
    lines += [tuple("---" for _ in lines[0]), *(tuple(row) for row in rows)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def main() -> None:
    """Run what is asked for, keep the record, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plugins", nargs="*", help="names of plugins; all without any")
    parser.add_argument("--record", type=Path, required=True, help="JSON file, kept between calls")
    parser.add_argument("--page", type=Path, help="where to write the page")
    parser.add_argument("--run-nothing", action="store_true", help="write the page of the record")
    given = parser.parse_args()
    unknown = set(given.plugins) - {cls.name for _, cls in adapters()}
    if unknown:
        parser.error(f"there is no adapter named {', '.join(sorted(unknown))}")
    record = {"plugins": {}}
    if given.record.is_file():
        record = json.loads(given.record.read_text(encoding="utf-8"))
    if not given.run_nothing:
        run(record, given.record, given.plugins)
    if given.page is not None:
        given.page.write_text(page(record), encoding="utf-8")


def run(record: dict[str, Any], file: Path, names: list[str]) -> None:
    """Run the kit on the adapters named, or on all, and keep the record after each."""
    warnings.simplefilter("ignore")
    record |= {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "kit": KIT,
        "python": platform.python_version(),
        "beside": {name: version(name) for name in BESIDE if _has(name)},
    }
    for peer, cls in adapters():
        if importable(peer) and (not names or cls.name in names):
            import_module(MODULES.get(peer, peer))
            record["plugins"][cls.name] = found = examine(peer, cls)
            sys.stderr.write(f"{cls.name}: {found['seconds']} s\n")
            file.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _has(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    main()

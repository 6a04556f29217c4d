"""What two runs do not have in common beside their answers: file, data, weights, code, machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from adversity.report.values.run_diff import Change

if TYPE_CHECKING:
    from adversity.engine.summary.recorded_run import RecordedRun
    from adversity.report.values.run_diff import ChangeOf

__all__ = ["changes"]

_FILE = ("seed", "data", "matrix", "metrics", "steps", "gates")
"""Keys of a pipeline file that say what is computed and judged; `run` and `schedule` do not."""
_SHORT = 12
"""So much of a hash or a revision is shown."""


def changes(before: RecordedRun, after: RecordedRun) -> tuple[Change, ...]:
    """Return what differs: parameters, data, weights, plugins, code, environment; in this order.

    What a run does not say of itself (a revision knows no machine) is not compared.
    """
    parts = (_parameters, _defaults, _data, _weights, _plugins, _code, _environment)
    return tuple(change for part in parts for change in part(before, after))


def _parameters(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    """Yield what was edited in the pipeline file, by its path there."""
    first, second = ({key: run.file.get(key) for key in _FILE} for run in (before, after))
    if before.file and after.file:
        yield from _leaves("parameter", first, second, "")


def _leaves(of: ChangeOf, before: Any, after: Any, path: str) -> Iterator[Change]:
    if before == after:
        return
    first, second = before, after
    if "." in path:  # a step or a data set that is new is told as a whole
        first, second = (
            {} if one is None and isinstance(other, Mapping) else one
            for one, other in ((before, after), (after, before))
        )
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in dict.fromkeys((*first, *second)):
            here = f"{path}.{key}" if path else str(key)
            yield from _leaves(of, first.get(key), second.get(key), here)
        return
    yield Change(of, path, *("" if side is None else _written(side) for side in (before, after)))


def _written(value: Any) -> str:
    """Write a value of the pipeline file as people do, in a line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _defaults(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    """Yield parameters that differ though the file says the same: a plugin's default moved."""
    earlier, files = before.steps, [run.file.get("steps") or {} for run in (before, after)]
    for name, step in after.steps.items():
        alike = files[0].get(name) == files[1].get(name)
        own_plugin = "/" in str((files[1].get(name) or {}).get("uses", ""))
        if not alike or not own_plugin or name not in earlier:
            continue
        then = {json.dumps(cell["cell"]): cell["parameters"] for cell in earlier[name]["cells"]}
        for cell in step["cells"][:1]:
            own = then.get(json.dumps(cell["cell"]))
            if own is not None:
                yield from _leaves("parameter", own, cell["parameters"], f"{name}, default")


def _data(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    earlier = {one["id"]: one for one in before.result.get("data", ())}
    for one in after.result.get("data", ()):
        then = earlier.get(one["id"])
        if then is not None and then["content"] != one["content"]:
            yield Change("data", one["id"], *(_described(side) for side in (then, one)))


def _described(data: Mapping[str, Any]) -> str:
    return f"{data['n']:,} images, content {data['content'][:_SHORT]}"


def _weights(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    """Yield what was fitted and came out otherwise, and weights in files that are others."""
    hashes = [run.facts.get("hashes") or {} for run in (before, after)]
    folder = f"artifacts/{after.result['pipeline']}"
    steps = {f"{folder}/{name}": step for name, step in after.steps.items()}
    data = {
        str(uses.partition("/")[2])
        for run in (before, after)
        for uses in (one["uses"] for one in run.result.get("data", ()))
    }
    for path in sorted(hashes[0].keys() & hashes[1].keys()):
        ours = path in steps
        fitted = ours and steps[path].get("fit_on") is not None and not steps[path]["source"]
        other = not path.startswith(("artifacts/", "metrics/")) and path not in data
        if (fitted or (other and _is_file(path))) and hashes[0][path] != hashes[1][path]:
            where = f"{path.rpartition('/')[2]} (fitted)" if fitted else path
            yield Change("weights", where, *(side[path][:_SHORT] for side in hashes))
    yield from _facts(before, after)


def _is_file(path: str) -> bool:
    """Say whether a path is that of a file, which is no data set but what a plugin reads."""
    return "." in path.rpartition("/")[2]


def _facts(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    """Yield what classifiers say of weights that they brought or fetched."""
    earlier = before.steps
    for name, step in after.steps.items():
        facts = [run.get("plugin", {}).get("facts", {}) for run in (earlier.get(name, {}), step)]
        for key in ("weights", "sha256", "weights_sha256"):
            first, second = (side.get(key) for side in facts)
            if name in earlier and first != second:
                texts = ("" if one is None else str(one)[:60] for one in (first, second))
                yield Change("weights", f"{name}: {key}", *texts)


def _plugins(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    """Yield distributions of plugins in other versions, and plugins that others took over."""
    then, now = _distributions(before), _distributions(after)
    for name in sorted(then.keys() & now.keys()):
        if then[name] != now[name]:
            yield Change("plugin", name, then[name], now[name])


def _distributions(run: RecordedRun) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in run.steps.values():
        plugin = step.get("plugin", {})
        for record in (plugin, *plugin.get("plugins", ()), *plugin.get("nested", ())):
            if "distribution" in record:
                found[record["distribution"]] = str(record["version"])
    resolved = run.facts.get("resolved") or {}
    for part in ("data", "metrics"):
        for record in (resolved.get(part) or {}).values():
            if record.get("distribution"):
                found[record["distribution"]] = str(record.get("version", ""))
    return found


def _code(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    """Yield sources that changed, as the resolved plugins say; and the revision of the project."""
    first, second = (_sources(run) for run in (before, after))
    changed: dict[tuple[str, str, str], list[str]] = {}
    for where in first.keys() & second.keys():
        (plugin, then), (same, now) = first[where], second[where]
        if plugin == same and then != now:
            changed.setdefault((plugin, then[:_SHORT], now[:_SHORT]), []).append(where)
    for plugin, then, now in sorted(changed):
        yield Change("code", f"source of {plugin}", then, now)
    revisions = [(run.facts.get("git") or {}).get("revision", "") for run in (before, after)]
    if all(revisions) and revisions[0] != revisions[1]:
        yield Change("code", "revision of the project", *(one[:_SHORT] for one in revisions))


def _sources(run: RecordedRun) -> dict[str, tuple[str, str]]:
    """Return plugin and fingerprint of what computes, by its place among the resolved plugins."""
    resolved = run.facts.get("resolved") or {}
    return {
        f"{part}.{name}": (str(record.get("plugin", name)), str(record["fingerprint"]))
        for part in ("core", "data", "steps", "metrics")
        for name, record in (resolved.get(part) or {}).items()
        if isinstance(record, Mapping) and "fingerprint" in record and name != "report"
    }


def _environment(before: RecordedRun, after: RecordedRun) -> Iterator[Change]:
    """Yield libraries in other versions, and another processor or device."""
    for part, left_out in (("versions", {"adversity"}), ("machine", {"cores"})):
        first, second = (run.facts.get(part) or {} for run in (before, after))
        for name in sorted(first.keys() & second.keys() - left_out):
            if first[name] != second[name] and name not in _distributions(after):
                yield Change("environment", name, str(first[name]), str(second[name]))

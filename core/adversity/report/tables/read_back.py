"""A report read back from its JSON, as far as tables need it: without the plugins that made it."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from adversity.contracts.measure_info import MeasureInfo, Sign
from adversity.contracts.values import Measure
from adversity.errors import InputError
from adversity.report.values.compared import Compared, Comparison
from adversity.report.values.model import (
    Caveat,
    CellResult,
    DataSummary,
    GateResult,
    Report,
    StepSummary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["known_then", "read_back"]


def read_back(record: Mapping[str, Any], *, where: str) -> Report:
    """Return data sets, steps, gates, caveats and comparisons of a report.

    What is read of a gate is its step, of a data set what tells its version. Images and what is
    said of the run are left out.

    Args:
        record: What `report_json` wrote.
        where: The file, for messages.

    Raises:
        InputError: If the JSON is of a version that does not say what its methods are.
    """
    if "compared" not in record or "measures" not in record:
        raise InputError(
            f"{where}: expected a run that says which steps are methods and what they are tested "
            "under, got one of an earlier version of Adversity; run the pipeline again"
        )
    infos = known_then(record)
    return Report(
        pipeline=record["pipeline"],
        file=record["file"],
        text=record["text"],
        seed=record["seed"],
        matrix={name: tuple(values) for name, values in record["matrix"].items()},
        data=tuple(_data(data) for data in record["data"]),
        steps=tuple(_step(step, infos) for step in record["steps"]),
        gates=tuple(
            GateResult(gate["text"], gate["verdict"], gate["why"], step=gate["step"])
            for gate in record["gates"]
        ),
        caveats=tuple(Caveat(**caveat) for caveat in record["caveats"]),
        sides=record["sides"],
        compared=_compared(record["compared"], infos),
    )


def known_then(record: Mapping[str, Any]) -> dict[str, MeasureInfo]:
    """Return what a report says of its measures, by name; earlier versions said nothing.

    Args:
        record: What `report_json` wrote.
    """
    return {name: _info(known) for name, known in record.get("measures", {}).items()}


def _info(known: Mapping[str, Any]) -> MeasureInfo:
    sign = known.get("sign")
    ends = {name: float(known[name]) for name in ("low", "high") if name in known}
    return MeasureInfo(**{**known, **ends, "sign": sign and Sign(**sign)})


def _data(record: Mapping[str, Any]) -> DataSummary:
    plain = {"uses": "", "n": 0, "classes": 0, **record}  # which no table asks for
    names = ("id", "uses", "n", "classes", "facts", "content", "cell")
    return DataSummary(**{name: plain[name] for name in names if name in plain})


def _step(record: Mapping[str, Any], infos: Mapping[str, MeasureInfo]) -> StepSummary:
    cells = {
        name: tuple(_cell(cell, infos) for cell in record[name]) for name in ("cells", "over_seeds")
    }
    names = {item.name for item in fields(StepSummary)}
    given = {name: value for name, value in record.items() if name in names}
    lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    return StepSummary(**{**given, **lists, **cells})


def _cell(record: Mapping[str, Any], infos: Mapping[str, MeasureInfo]) -> CellResult:
    measures = {
        name: _measure(one, infos.get(name, MeasureInfo()))
        for name, one in record["measures"].items()
    }
    names = {item.name for item in fields(CellResult)} - {"measures", "notes"}
    given = {name: record[name] for name in names}
    return CellResult(measures=measures, notes=tuple(record["notes"]), **given)


def _measure(record: Mapping[str, Any], info: MeasureInfo) -> Measure:
    """Read a measure; infinite numbers stand as text, since JSON has none."""
    numbers = {
        name: float(record[name])
        for name in ("value", "low", "high")
        if isinstance(record.get(name), str)
    }
    return Measure.from_json({**record, **numbers}).known_as(info)


def _compared(record: Mapping[str, Any], infos: Mapping[str, MeasureInfo]) -> Compared:
    pairs = (
        Comparison(
            **{**pair, "difference": _measure(pair["difference"], _plain(infos, pair["measure"]))}
        )
        for pair in record["pairs"]
    )
    return Compared(tuple(pairs), tuple(record["left_out"]))


def _plain(infos: Mapping[str, MeasureInfo], name: str) -> MeasureInfo:
    """Return the words of a measure for a difference of it, which has no range."""
    info = infos.get(name, MeasureInfo())
    return MeasureInfo(
        low=-math.inf, high=math.inf, title=info.title, unit=info.unit, scale=info.scale
    )

"""A pipeline file put together from two: data of one, model of one, all else of one."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from adversity.pipeline.read.reader import parse

if TYPE_CHECKING:
    from ruamel.yaml import YAML

__all__ = ["FACTORS", "is_model", "mixed_file", "slices", "texts_in"]

FACTORS = ("data", "model", "parameters")
"""What a pipeline file says, in three parts; each may be as in one run or as in the other."""

_MODELS = ("classifier/", "regressor/")
_OF_MODEL = ("uses", "with", "weights", "bootstrap", "folds", "fit_on", "classes")
"""What a step says of the model that it names; where it takes its images from is no part of it."""
_JUDGE_NOTHING = ("gates", "schedule", "notify", "conformance", "licences")
_NEVER_WRAP = 1 << 20


def is_model(step: Any) -> bool:
    """Say whether a step of a file names a classifier or a regressor, and is the model's."""
    return isinstance(step, Mapping) and str(step.get("uses", "")).startswith(_MODELS)


def slices(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a pipeline file says of each factor, to see whether two say the same."""
    steps = file.get("steps") or {}
    models = {name: _model_part(step) for name, step in steps.items() if is_model(step)}
    rest = {
        name: {key: step[key] for key in step if key not in models.get(name, {})}
        for name, step in steps.items()
        if isinstance(step, Mapping)
    }
    aside = ("data", "steps", "run", "name", *_JUDGE_NOTHING)
    more = {key: value for key, value in file.items() if key not in aside}
    return dict(zip(FACTORS, (file.get("data"), models, {**more, "steps": rest}), strict=True))


def texts_in(value: Any) -> Iterator[str]:
    """Go through every text in a part of a file."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value


def mixed_file(texts: Mapping[str, str], *, cell: Mapping[str, str]) -> str:
    """Put a pipeline file together.

    Scalars stay as they are written, since cells are called by them. Of the variables that the cell
    names the other values are left out: nothing but the cell is to be computed.

    Args:
        texts: By factor, the text of the file that it comes from.
        cell: The cell that is wanted: variable to value as written.
    """
    yaml = _yaml()
    mixed, data, models = (yaml.load(texts[factor]) for factor in ("parameters", "data", "model"))
    mixed["data"] = data["data"]
    for name, step in mixed["steps"].items():
        other = models["steps"].get(name)
        if is_model(step) and is_model(other):
            for key in _OF_MODEL:
                step.pop(key, None)
            step.update(_model_part(other))
    for name, step in models["steps"].items():
        if is_model(step) and "from" not in step:
            mixed["steps"].setdefault(name, step)
    for key in _JUDGE_NOTHING:
        mixed.pop(key, None)
    _keep_cell(mixed, texts["parameters"], cell)
    stream = io.StringIO()
    yaml.dump(mixed, stream)
    return stream.getvalue()


def _model_part(step: Mapping[str, Any]) -> dict[str, Any]:
    return {key: step[key] for key in _OF_MODEL if key in step}


def _keep_cell(mixed: MutableMapping[str, Any], text: str, cell: Mapping[str, str]) -> None:
    """Leave out the values of the cell's variables that are not the cell's."""
    written = parse(text, "the pipeline file").written
    matrix = mixed.get("matrix") or {}
    for name, wanted in cell.items():
        values = matrix.get(name, [])
        for place in reversed(range(len(values))):
            if written.get(("matrix", name, place), str(values[place])) != wanted:
                del values[place]


def _yaml() -> YAML:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.width = _NEVER_WRAP
    yaml.preserve_quotes = True
    return yaml

"""Reading an ONNX file: its one input of images, its output, where its weights lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adversity.errors import ParameterError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["OnnxGraph", "read_graph", "simplified"]

_BY_THE_CALL = ("DynamicQuantizeLinear", "DynamicQuantizeMatMul")
"""Operators that scale by the largest value of a call, whichever image that is of."""
_STANDARD = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Whose operators onnxruntime brings; others would be code of somebody else's."""


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """What of an ONNX file matters here.

    Attributes:
        input_name: Of the images.
        input_type: NumPy's name of its type.
        shape: Of the images, None where it may be any number.
        rows: How many images it must be called with; None for any number.
        output_name: Of the answer.
        output_place: Among all outputs, from 0.
    """

    input_name: str
    input_type: str
    shape: tuple[int | None, ...]
    rows: int | None
    output_name: str
    output_place: int


def read_graph(path: Path, label: str, *, output: str | None, data: Sequence[Path]) -> OnnxGraph:
    """Read an ONNX file; nothing in it is run.

    Args:
        path: The file.
        label: What messages call the classifier.
        output: Which of several outputs is meant.
        data: The further files that its weights may lie in.

    Raises:
        ParameterError: If `output` or `data` do not belong to it.
        WeightsError: If it is no ONNX file, or no classifier of images.
    """
    model = _read(path, label)
    _expect_known_operators(model, label)
    _expect_its_files(model, path, label, data)
    name, kind, shape = _input(model, label)
    names = [str(value.name) for value in model.graph.output]
    chosen = _output(names, label, output)
    rows = _rows(model, label, shape[0])
    return OnnxGraph(name, kind, shape, rows, chosen, names.index(chosen))


def _rows(model: Any, label: str, fixed: int | None) -> int | None:
    """Return the images of a call: one, where a call's largest value scales them all."""
    if not any(node.op_type in _BY_THE_CALL for node in model.graph.node):
        return fixed
    if fixed not in (None, 1):
        raise WeightsError(
            f"{label}: expected an answer to each image by itself, got a graph for {fixed} images "
            "that is quantised by the largest value of all of them; export it for one image, or "
            "for any number"
        )
    return 1


def _read(path: Path, label: str) -> Any:
    import onnx
    from google.protobuf.message import DecodeError

    from adversity_plugins.classifier.imported._formats import ONNX, format_of, plugin_for

    kind = format_of(path)
    if kind != ONNX:
        raise WeightsError(f"{label}: expected ONNX, got {kind}; {plugin_for(kind)}")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise WeightsError(
            f"{label}: expected ONNX, got a file that is damaged or something else ({error}); "
            "export the model again"
        ) from error
    if not model.graph.node:
        raise WeightsError(f"{label}: expected ONNX, got a graph of no nodes; export it again")
    return model


def _expect_known_operators(model: Any, label: str) -> None:
    used = {node.domain for node in model.graph.node}
    own = {function.domain for function in model.functions}
    unknown = sorted(used - own - set(_STANDARD))
    if unknown:
        raise WeightsError(
            f"{label}: expected operators of ONNX, got some of {', '.join(unknown)}, whose code is "
            "a library of its own and is not loaded; export the model with standard operators"
        )


def _expect_its_files(model: Any, path: Path, label: str, data: Sequence[Path]) -> None:
    """Hold the files that the weights lie in against those that are named, and so hashed."""
    places = {
        entry.value
        for tensor in _tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    beside = {(path.parent / place).resolve(): place for place in sorted(places)}
    given = {file.resolve() for file in data}
    missing = [place for file, place in beside.items() if file not in given]
    if missing:
        raise ParameterError(
            f"{label}: its weights lie in {', '.join(missing[:3])}, of which a run knows nothing: "
            "expected every file to be named; write `data: [FILE]`, relative to the project, or "
            "make one file with onnx.save(onnx.load(FILE), ONE_FILE)"
        )
    if given - beside.keys():
        names = ", ".join(sorted(file.name for file in given - beside.keys()))
        raise ParameterError(
            f"{label}: expected in `data` the files that its weights lie in, got {names}, which "
            "the graph does not name; leave it out"
        )
    folder = path.parent.resolve()
    away = [place for file, place in beside.items() if not file.is_relative_to(folder)]
    if away:
        raise ParameterError(
            f"{label}: expected its weights in the folder of the model, got {away[0]}, which lies "
            "or is a link elsewhere, where onnxruntime does not look; put the file itself there, "
            "with `dvc unprotect` if the link is DVC's"
        )


def _tensors(message: Any) -> Iterator[Any]:
    """Yield every tensor in a model: initializers, constants, and those of graphs in nodes."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if hasattr(value, "DESCRIPTOR") else value:
                yield from _tensors(part)


def _input(model: Any, label: str) -> tuple[str, str, tuple[int | None, ...]]:
    import onnx

    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    if len(inputs) != 1:
        raise WeightsError(
            f"{label}: expected a graph with one input, the images, got "
            f"{', '.join(value.name for value in inputs) or 'none'}; export the model with images "
            "alone"
        )
    tensor = inputs[0].type.tensor_type
    kind = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    types = {"float": "float32", "float16": "float16", "double": "float64"}
    shape = tuple(
        (dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None)
        for dim in tensor.shape.dim
    )
    if kind not in types or len(shape) != 4:
        raise WeightsError(
            f"{label}: expected images as input, floating-point [N, C, H, W], got {kind} "
            f"{list(shape)} ({inputs[0].name}); export the model from the images on"
        )
    return inputs[0].name, types[kind], shape


def _output(names: list[str], label: str, output: str | None) -> str:
    if output is None and len(names) == 1:
        return names[0]
    if output is not None and output in names:
        return output
    got = "none is named" if output is None else f"{output!r} is not one of them"
    raise ParameterError(
        f"{label}: the graph has {len(names)} outputs ({', '.join(names[:5])}), and {got}; expected "
        "the name of that with the logits, `output: NAME`"
    )


def simplified(model: Any) -> Any:
    """Say the same in fewer words in a model, and return it, for a converter.

    Nodes that hand a value on as it is go: exporters name weights that several layers share with
    such nodes, and converters look for weights under the first name. So does `training_mode: 0`
    of batch normalisation, which is what is meant without it.
    """
    graph = model.graph
    outputs = {value.name for value in graph.output}
    same: dict[str, str] = {}
    gone = []
    for index, node in enumerate(graph.node):
        if node.op_type == "Identity" and not node.domain and node.output[0] not in outputs:
            same[node.output[0]] = same.get(node.input[0], node.input[0])
            gone.append(index)
            continue
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
        if node.op_type == "BatchNormalization":
            for place in reversed(range(len(node.attribute))):
                if node.attribute[place].name == "training_mode" and not node.attribute[place].i:
                    del node.attribute[place]
    for index in reversed(gone):
        del graph.node[index]
    return model

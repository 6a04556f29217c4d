"""An ONNX file: onnxruntime answers, and torch gives the gradients where the graph converts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFile
from adversity.errors import InputError, ParameterError, WeightsError
from adversity_plugins.classifier.imported._answers import first_line
from adversity_plugins.classifier.imported._imported import UNKNOWN_SIZE, ImportedModel

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from adversity_plugins.classifier.imported._imported import Call
    from adversity_plugins.classifier.imported._onnx_graph import OnnxGraph

__all__ = ["Onnx"]

_PACKAGES = ("onnx", "onnxruntime", "onnx2pytorch")


class Onnx(ImportedModel):
    """A model of your own as an ONNX file, with gradients where its graph converts to torch.

    onnxruntime answers, on the CPU. For gradients the graph is converted to torch by onnx2pytorch;
    each time one is needed the two answers are compared on the same images, and beyond 1e-4 of
    the largest logit the gradients are refused. So they are where a small step along them does not
    change onnxruntime's answer as they say, tried when the file is opened and near the first
    images. Of a graph that does not convert only attacks without gradients are possible, and the
    report says so.

    Size and number of images are those in the file, if it has them; range, mean and deviation are
    parameters, and the report shows them. An ONNX file is data: operators of others, which are
    code, are not loaded.

    Reference:
        ONNX community, "Open Neural Network Exchange", 2017; Microsoft, "ONNX Runtime", 2018.
    """

    name: ClassVar[str] = "onnx"
    reference: ClassVar[str] = (
        "ONNX community, Open Neural Network Exchange, 2017; Microsoft, ONNX Runtime, 2018"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"file": "model.onnx"},)

    data: tuple[ProjectFile, ...] = Field(
        default=(), description="the files that its weights lie in, where they are apart"
    )
    output: str | None = Field(default=None, description="that with the logits, of several")
    gradients: bool = Field(
        default=True, description="false: treat it as a black box, whatever its graph is"
    )

    _graph: Any = PrivateAttr(default=None)
    _session: Any = PrivateAttr(default=None)
    _in_torch: Any = PrivateAttr(default=None)
    _without_gradient: str | None = PrivateAttr(default=None)
    _seen: bool = PrivateAttr(default=False)
    _data_sha256: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write a small network."""
        from adversity_plugins.classifier.imported._examples import write_onnx

        write_onnx(folder / "model.onnx")

    def _open(self, device: str) -> Call:
        needed = _PACKAGES if self.gradients else _PACKAGES[:-1]
        missing = [package for package in needed if find_spec(package) is None]
        if missing:
            raise WeightsError(
                f"{self._label} needs the package {missing[0]}, which is not installed; run: "
                'pip install "adversity[onnx]"'
            )
        from adversity.provenance import file_sha256
        from adversity_plugins.classifier.imported._onnx_graph import read_graph

        data = [file.path for file in self.data]
        self._data_sha256 = {file.text: file_sha256(file.path) for file in self.data}
        self._graph = read_graph(self.file.path, self._label, output=self.output, data=data)
        self._expect_channels(self._graph)
        self._session = self._started()
        self._convert(device)
        return self._answer

    def _expect_channels(self, graph: OnnxGraph) -> None:
        """Hold the parameters against the input's shape in the file."""
        axis = 1 if self.layout == "nchw" else 3
        channels = 1 if self.channel_order == "grey" else 3
        got = graph.shape[axis]
        if got in (None, channels):
            return
        other = graph.shape[4 - axis]
        if other == channels:
            advice = f"write `layout: {'nhwc' if axis == 1 else 'nchw'}`"
        elif got == 1:
            advice = "write `channel_order: grey`"
        else:
            advice = "write `channel_order: rgb` or bgr" if got == 3 else "export it for images"
        raise ParameterError(
            f"{self._label}: expected an input with {channels} channels on axis {axis}, as "
            f"`layout: {self.layout}` and `channel_order: {self.channel_order}` say, got "
            f"{[size or 'any' for size in graph.shape]}; {advice}"
        )

    def _started(self) -> Any:
        import onnxruntime
        import torch

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            return onnxruntime.InferenceSession(
                str(self.file.path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise WeightsError(
                f"{self._label}: expected a model that onnxruntime runs, got: "
                f"{first_line(error)}; export it again, with standard operators"
            ) from error

    def _convert(self, device: str) -> None:
        """Convert the graph to torch, or keep the reason why there are no gradients."""
        import onnx

        from adversity_plugins.classifier.imported._onnx_gradients import BLACK_BOX, converted

        if not self.gradients:
            self._without_gradient = f"`gradients: false` makes it a black box: {BLACK_BOX}"
            return
        try:
            self._in_torch = converted(onnx.load(self.file.path), device)
        except Exception as error:  # noqa: BLE001  (a converter raises what it likes)
            self._without_gradient = (
                f"its graph does not convert to torch ({first_line(error)}): {BLACK_BOX}"
            )

    def setup(self, device: str) -> None:
        """Open the model, look at its answer, and whether a gradient leads back from it.

        Raises:
            ParameterError: If a parameter does not belong to the model.
            WeightsError: If the file cannot be opened, or gives no logits `[N, K]`.
        """
        super().setup(device)
        if self._without_gradient is None:
            self._without_gradient = self._lost_gradient(device)

    def _lost_gradient(self, device: str) -> str | None:
        """Say why the gradient of the converted graph cannot be used, or None."""
        import numpy as np
        import torch

        from adversity_plugins.classifier.imported._batches import in_batches_of
        from adversity_plugins.classifier.imported._onnx_gradients import BLACK_BOX, first_fault

        def in_batches(call: Any) -> Any:
            return lambda given: in_batches_of(self._graph.rows, call, given)

        shape = (1, 3, *(self._input.size or (UNKNOWN_SIZE, UNKNOWN_SIZE)))
        noise = torch.from_numpy(np.random.default_rng(0).random(shape, dtype=np.float32))
        images = self._input.prepared(noise.to(device))
        fault = first_fault(
            in_batches(self._of_torch), in_batches(self._run), images, self._input.span
        )
        return None if fault is None else f"{fault}: {BLACK_BOX}"

    def _answer(self, images: Tensor) -> Tensor:
        import torch

        if not (torch.is_grad_enabled() and images.requires_grad):
            return self._run(images)
        if self._without_gradient is not None:
            raise InputError(f"{self._label} has no gradient: {self._without_gradient}")
        from adversity_plugins.classifier.imported import _onnx_gradients as gradients

        answer = gradients.answer_with_gradient(self._label, self._of_torch, self._run, images)
        if not self._seen:
            fault, tried = gradients.gradient_fault(
                self._of_torch, self._run, images, self._input.span
            )
            if fault is not None:
                raise InputError(
                    f"{self._label} has no gradient near your images: {fault}; "
                    f"{gradients.BLACK_BOX}"
                )
            self._seen = tried
        return answer

    def _of_torch(self, images: Tensor) -> Any:
        """Return what the converted graph answers."""
        answer = self._in_torch(images)
        return answer[self._graph.output_place] if isinstance(answer, (tuple, list)) else answer

    def _run(self, images: Tensor) -> Tensor:
        """Return what onnxruntime answers, where the images are."""
        import torch

        given = images.detach().cpu().contiguous().numpy()
        given = given.astype(self._graph.input_type, copy=False)
        (answer,) = self._session.run([self._graph.output_name], {self._graph.input_name: given})
        values = torch.from_numpy(answer).to(images.device)
        return values.float() if values.is_floating_point() else values

    def _rows(self) -> int | None:
        rows: int | None = self._graph.rows
        return rows

    def _file_size(self) -> tuple[int, int] | None:
        height, width = self._graph.shape[2:] if self.layout == "nchw" else self._graph.shape[1:3]
        return None if height is None or width is None else (height, width)

    @property
    def without_gradient(self) -> str | None:
        """Why it has no gradient, where its graph does not convert."""
        return self._without_gradient

    def describe(self) -> dict[str, Any]:
        """Return the file, what answers and what is differentiated, and the input."""
        import onnxruntime

        gradients = self._without_gradient or (
            f"of its graph in torch, by onnx2pytorch {version('onnx2pytorch')}; compared with "
            "onnxruntime on every image"
        )
        return {
            "format": "ONNX",
            **super().describe(),
            **({"data": self._data_sha256} if self.data else {}),
            "answered_by": f"onnxruntime {onnxruntime.__version__}",
            "gradients": gradients,
        }

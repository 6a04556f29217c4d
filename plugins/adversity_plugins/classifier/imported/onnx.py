"""An ONNX file: onnxruntime answers, and torch gives the gradients where the graph converts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import ProjectFile
from adversity.errors import InputError, ParameterError, WeightsError
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
    the largest logit the gradients are refused. Of a graph that does not convert only
    attacks without gradients are possible, and the report says so.

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

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write a small network."""
        from adversity_plugins.classifier.imported._examples import write_onnx

        write_onnx(folder / "model.onnx")

    def _open(self, device: str) -> Call:
        missing = [package for package in _PACKAGES if find_spec(package) is None]
        if missing:
            raise WeightsError(
                f"{self._label} needs the package {missing[0]}, which is not installed; run: "
                'pip install "adversity[onnx]"'
            )
        from adversity_plugins.classifier.imported._onnx_graph import read_graph

        data = [file.path for file in self.data]
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
                f"{_first(error)}; export it again, with standard operators"
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
                f"its graph does not convert to torch ({_first(error)}): {BLACK_BOX}"
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
        """Say why no gradient leads through the converted graph, or None."""
        import torch

        from adversity_plugins.classifier.imported._onnx_gradients import BLACK_BOX

        height, width = self._input.size or (UNKNOWN_SIZE, UNKNOWN_SIZE)
        images = torch.full((1, 3, height, width), 0.5, device=device, requires_grad=True)
        try:
            with torch.enable_grad():
                answer = self._of_torch(self._input.prepared(images))
        except Exception as error:  # noqa: BLE001  (what was converted raises what it likes)
            return f"its graph fails in torch ({_first(error)}): {BLACK_BOX}"
        if isinstance(answer, torch.Tensor) and not answer.requires_grad:
            return f"no gradient leads through its graph, as through rounding: {BLACK_BOX}"
        return None

    def _answer(self, images: Tensor) -> Tensor:
        import torch

        if not (torch.is_grad_enabled() and images.requires_grad):
            return self._run(images)
        if self._without_gradient is not None:
            raise InputError(f"{self._label} has no gradient: {self._without_gradient}")
        from adversity_plugins.classifier.imported._onnx_gradients import answer_with_gradient

        return answer_with_gradient(self._label, self._of_torch, self._run, images)

    def _of_torch(self, images: Tensor) -> Any:
        """Return what the converted graph answers."""
        from adversity_plugins.classifier.imported._batches import in_batches_of

        names = [value.name for value in self._graph.model.graph.output]
        place = names.index(self._graph.output_name)

        def batch(given: Tensor) -> Any:
            answer = self._in_torch(given)
            return answer[place] if isinstance(answer, (tuple, list)) else answer

        return in_batches_of(self._graph.shape[0], batch, images)

    def _run(self, images: Tensor) -> Tensor:
        """Return what onnxruntime answers, where the images are."""
        from adversity_plugins.classifier.imported._batches import in_batches_of

        return in_batches_of(self._graph.shape[0], self._run_batch, images.detach())  # type: ignore[no-any-return]

    def _run_batch(self, images: Tensor) -> Tensor:
        import torch

        given = images.cpu().contiguous().numpy().astype(self._graph.input_type, copy=False)
        (answer,) = self._session.run([self._graph.output_name], {self._graph.input_name: given})
        values = torch.from_numpy(answer).to(images.device)
        return values.float() if values.is_floating_point() else values

    def _file_size(self) -> tuple[int, int] | None:
        height, width = self._graph.shape[2:] if self.layout == "nchw" else self._graph.shape[1:3]
        return None if height is None or width is None else (height, width)

    @property
    def without_gradient(self) -> str | None:
        """Why it has no gradient, where its graph does not convert."""
        return self._without_gradient

    def describe(self) -> dict[str, Any]:
        """Return the file, what answers and what is differentiated, and the input."""
        gradients = self._without_gradient or (
            f"of its graph in torch, by onnx2pytorch {version('onnx2pytorch')}; compared with "
            "onnxruntime on every image"
        )
        return {
            "format": "ONNX",
            **super().describe(),
            "answered_by": f"onnxruntime {version('onnxruntime')}",
            "gradients": gradients,
        }


def _first(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"

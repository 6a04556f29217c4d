"""An exported program: a network as a graph, as `torch.export.save` wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from adversity.errors import WeightsError
from adversity_plugins.classifier.imported._answers import first_line
from adversity_plugins.classifier.imported._trusted import TrustedModel

if TYPE_CHECKING:
    from pathlib import Path

    from adversity_plugins.classifier.imported._imported import Call

__all__ = ["ExportedProgram"]


class ExportedProgram(TrustedModel):
    """A model of your own as an exported program of PyTorch (.pt2), with its gradients.

    The file is a program: `trusted: true` says that it may run. Size and number of images are
    those that it was exported for, if it was exported for one only; range, mean and deviation are
    parameters, and the report shows them.

    Reference:
        Ansel et al., "PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode
        Transformation and Graph Compilation", 2024.
    """

    name: ClassVar[str] = "exported_program"
    reference: ClassVar[str] = (
        "Ansel et al., PyTorch 2: Faster Machine Learning Through Dynamic Python Bytecode "
        "Transformation and Graph Compilation, 2024"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"file": "model.pt2", "trusted": True},)

    _shape: tuple[int | None, ...] = PrivateAttr(default=())
    _fixed: int | None = PrivateAttr(default=None)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write a small network."""
        from adversity_plugins.classifier.imported._examples import write_exported

        write_exported(folder / "model.pt2")

    def _open(self, device: str) -> Call:
        import torch

        from adversity_plugins.classifier.imported._formats import EXPORTED

        self._expect_format(EXPORTED)
        try:
            program = torch.export.load(self.file.path)
        except Exception as error:
            raise WeightsError(
                f"{self._label} cannot be opened ({first_line(error)}): expected what torch.export.save of "
                "this version of PyTorch writes; export it again"
            ) from error
        self._shape, self._fixed = self._input_shape(program)
        self._expect_evaluation(program)
        module = program.module().to(device)
        module.requires_grad_(requires_grad=False)
        return module

    def _input_shape(self, program: Any) -> tuple[tuple[int | None, ...], int | None]:
        """Return the shape of the one input, None where it may be any, and the images of a call."""
        names = program.graph_signature.user_inputs
        values = [n.meta.get("val") for n in program.graph.nodes if n.name in names]
        shapes = [tuple(getattr(value, "shape", ())) for value in values]
        if len(shapes) != 1 or len(shapes[0]) != 4:
            raise WeightsError(
                f"{self._label}: expected a program with one input, images of four axes, got "
                f"{len(shapes)}: {[list(map(str, s)) for s in shapes[:3]]}; export the model with "
                "images alone"
            )
        (shape,) = shapes
        known = tuple(size if type(size) is int else None for size in shape)
        return known, known[0] or self._fixed_within(program, shape[0])

    def _fixed_within(self, program: Any, size: Any) -> int | None:
        """Return the images of a call where the program limits them to too few or too many."""
        limits = program.range_constraints.get(size.node.expr)
        if limits is None or (limits.lower <= 1 and limits.upper >= self.block_rows):
            return None
        return int(min(limits.upper, max(limits.lower, self.block_rows)))

    def _rows(self) -> int | None:
        return self._fixed

    def _expect_evaluation(self, program: Any) -> None:
        """Refuse what was exported in training mode, which a program cannot leave."""
        for node in program.graph.nodes:
            training = {"aten.dropout.default": 2, "aten.batch_norm.default": 5}.get(
                str(node.target)
            )
            if training is not None and len(node.args) > training and node.args[training] is True:
                raise WeightsError(
                    f"{self._label}: expected a program exported in evaluation mode, got one in "
                    f"training mode ({node.target}); call net.eval() before torch.export.export"
                )

    def _file_size(self) -> tuple[int, int] | None:
        sides = self._shape[2:] if self.layout == "nchw" else self._shape[1:3]
        height, width = sides if len(sides) == 2 else (None, None)
        return None if height is None or width is None else (height, width)

    def describe(self) -> dict[str, Any]:
        """Return the file, what is done to the images, and what of that nobody has said."""
        return {"format": "exported program", **super().describe()}

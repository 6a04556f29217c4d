"""A TorchScript file: a network with its code, as `torch.jit.save` wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from adversity.errors import WeightsError
from adversity_plugins.classifier.imported._answers import first_line
from adversity_plugins.classifier.imported._trusted import TrustedModel

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from adversity_plugins.classifier.imported._imported import Call

__all__ = ["TorchScript"]


class TorchScript(TrustedModel):
    """A model of your own as a TorchScript file, with its gradients.

    The file is a program: `trusted: true` says that it may run. What it says nothing of, such as
    size, range, mean and deviation, are parameters, and the report shows them. It is run in
    evaluation mode, and without the optimiser of its interpreter, so that the first call rounds
    as the second.

    Reference:
        Paszke et al., "PyTorch: An Imperative Style, High-Performance Deep Learning Library", 2019.
    """

    name: ClassVar[str] = "torchscript"
    reference: ClassVar[str] = (
        "Paszke et al., PyTorch: An Imperative Style, High-Performance Deep Learning Library, 2019"
    )
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"file": "model.ts", "trusted": True},)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write a small network."""
        from adversity_plugins.classifier.imported._examples import write_torchscript

        write_torchscript(folder / "model.ts")

    def _open(self, device: str) -> Call:
        import warnings

        import torch
        from torch.jit._fuser import optimized_execution

        from adversity_plugins.classifier.imported._formats import TORCHSCRIPT

        self._expect_format(TORCHSCRIPT)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the format is deprecated, its files are there
                module = torch.jit.load(self.file.path, map_location=device)  # type: ignore[no-untyped-call]
        except Exception as error:
            raise WeightsError(
                f"{self._label} is damaged ({first_line(error)}): expected what torch.jit.save "
                "writes; save it again"
            ) from error
        module.eval()
        for parameter in module.parameters():
            parameter.requires_grad = False

        def call(images: Tensor) -> Any:
            with optimized_execution(False):  # noqa: FBT003
                return module(images)

        return call

    def describe(self) -> dict[str, Any]:
        """Return the file, what is done to the images, and what of that nobody has said."""
        return {"format": "TorchScript", **super().describe()}

"""Models whose file is a program: opened only where the user says that it may run."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from adversity.errors import WeightsError
from adversity_plugins.classifier.imported._imported import ImportedModel

__all__ = ["TrustedModel"]


class TrustedModel(ImportedModel):
    """One whose file is a program: it is opened only where the user says that it may run."""

    trusted: bool = Field(
        default=False, description="must be true: the file is a program and runs with your rights"
    )

    @model_validator(mode="after")
    def _is_trusted(self) -> Self:
        if not self.trusted:
            raise ValueError(
                f"trusted: expected true, got false: {self.file} is a program, which runs with "
                "your rights when it is opened and called. Write `trusted: true` if you know who "
                "made it; else ask for ONNX (classifier/onnx) or a state dict "
                "(classifier/torchvision), which are data"
            )
        return self

    def _expect_format(self, expected: str) -> None:
        from adversity_plugins.classifier.imported._formats import format_of, plugin_for

        got = format_of(self.file.path)
        if got != expected:
            raise WeightsError(f"{self._label}: expected {expected}, got {got}; {plugin_for(got)}")

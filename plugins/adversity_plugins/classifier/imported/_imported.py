"""What the classifiers of models from files share: parameters, the first look, the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from adversity import Classifier, ProjectFile
from adversity.errors import ParameterError, WeightsError
from adversity_plugins.classifier.imported._answers import (
    answer_fault,
    first_line,
    logits_fault,
    normalised,
    probs_fault,
)
from adversity_plugins.classifier.imported._model_input import (
    ChannelOrder,
    Layout,
    ModelInput,
    PixelRange,
    Resize,
    scale_faults,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SAME", "UNKNOWN_SIZE", "Call", "ImportedModel"]

Call = Callable[["Tensor"], Any]
"""From prepared images to whatever the model returns."""

UNKNOWN_SIZE = 224
"""Side of the image of the first look at a model whose file says nothing and that has no `size`."""
SAME = 1e-4
"""By how much of the largest value an answer may differ with what it is computed beside, or by."""
_INPUT = ("size", "resize", "channel_order", "layout", "pixel_range", "mean", "std")


class _Gives:
    """What a classifier `gives`: of an instance what its `answers` says, of the class logits."""

    def __get__(self, model: ImportedModel | None, _: type) -> Literal["logits", "probs"]:
        return "probs" if model is not None and model.answers == "probabilities" else "logits"


class ImportedModel(Classifier):
    """A model from a file: its parameters say what goes in, and its answer is looked at.

    A format is a subclass with `_open`, which returns the call, and maybe `_file_size`.
    """

    heavy: ClassVar[str] = "the kit makes its file first"
    gives: ClassVar[Any] = _Gives()

    file: ProjectFile = Field(description="the model, relative to the project")
    classes: tuple[str, ...] | None = Field(
        default=None, description="names of the classes in the order of the logits"
    )
    classes_file: ProjectFile | None = Field(
        default=None, description="a text file in the project with one class a line"
    )
    size: tuple[int, int] | None = Field(
        default=None,
        description="height and width that the model takes; without it what the file says, and "
        "images as they are where it says nothing",
    )
    resize: Resize = Field(
        default="crop",
        description="crop: the shorter side to the size, then the centre; stretch: the whole image",
    )
    channel_order: ChannelOrder = Field(default="rgb", description="of the model's input")
    layout: Layout = Field(default="nchw", description="of the model's input; Keras has nhwc")
    pixel_range: PixelRange = Field(
        default="0..1", description="of the model's input, before mean and std"
    )
    mean: tuple[float, ...] | None = Field(
        default=None,
        description="is subtracted, on pixel_range and in channel_order; without it nothing is",
    )
    std: tuple[float, ...] | None = Field(
        default=None, description="divides afterwards; without it nothing does"
    )
    answers: Literal["logits", "probabilities"] = Field(
        default="logits", description="what the model returns; probabilities end in a softmax"
    )

    _call: Any = PrivateAttr(default=None)
    _input: Any = PrivateAttr(default=None)
    _names: tuple[str, ...] = PrivateAttr(default=())
    _sha256: str = PrivateAttr(default="")
    _rounded: bool = PrivateAttr(default=False)

    @field_validator("size", mode="before")
    @classmethod
    def _one_number_is_a_square(cls, value: Any) -> Any:
        return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f"size: expected 1 pixel and more, got {list(self.size)}")
        if self.classes is not None and self.classes_file is not None:
            raise ValueError("classes and classes_file exclude each other; give one")
        channels = 1 if self.channel_order == "grey" else 3
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) not in (1, channels):
                raise ValueError(
                    f"{name}: expected {channels} values, one for each channel, or one for all, "
                    f"got {list(values)}"
                )
        fault = scale_faults(self.pixel_range, mean=self.mean, std=self.std)
        if fault is not None:
            raise ValueError(fault)
        return self

    @abstractmethod
    def _open(self, device: str) -> Call:
        """Read the file and return the model as a function of prepared images `[N, ...]`.

        Raises:
            WeightsError: If it is no file of this format, or damaged.
        """

    def _rows(self) -> int | None:
        """Return how many images the opened file must be called with; None for any number."""
        return None

    def _file_size(self) -> tuple[int, int] | None:
        """Return the height and width that the opened file says its input has."""
        return None

    def setup(self, device: str) -> None:
        """Open the model and look at its answer to two made-up images.

        Raises:
            ParameterError: If a parameter does not belong to the model.
            WeightsError: If the file cannot be opened, or gives no logits `[N, K]`.
        """
        super().setup(device)
        from adversity.provenance import file_sha256

        self._sha256 = file_sha256(self.file.path)
        self._call = self._open(device)
        self._input = ModelInput(
            self._chosen_size(),
            self.resize,
            self.channel_order,
            self.layout,
            self.pixel_range,
            tuple(self.mean or (0.0,)),
            tuple(self.std or (1.0,)),
        )
        self._names = self._named(self._first_look(device))

    def _chosen_size(self) -> tuple[int, int] | None:
        said = self._file_size()
        if said is not None and self.size is not None and said != self.size:
            raise ParameterError(
                f"{self._label}: expected size {list(said)}, which the model's input has, got "
                f"{list(self.size)}; leave `size` out"
            )
        return said or self.size

    def _first_look(self, device: str) -> int:
        """Return K, from the answers to two made-up images."""
        import torch

        height, width = self._input.size or (UNKNOWN_SIZE, UNKNOWN_SIZE)
        images = torch.linspace(0, 1, 2 * 3 * height * width, device=device)
        images = images.view(2, 3, height, width)
        values = self._tried(images)
        self._expect_logits(values)
        if not torch.equal(self._tried(images), values):
            raise WeightsError(
                f"{self._label}: expected the same answer to the same images, got another the "
                "second time: it draws random numbers, as dropout does in training; export it in "
                "evaluation mode, with net.eval()"
            )
        alone = self._tried(images[:1].expand_as(images))[0]
        gap = float((alone - values[0]).abs().max())
        if gap > SAME * float(values.abs().max()):
            raise WeightsError(
                f"{self._label}: expected an answer to each image by itself, got one that differs "
                f"by {gap:.2g} with the images beside it, as batch normalisation does in training; "
                "export it in evaluation mode, with net.eval()"
            )
        return int(values.shape[1])

    def _expect_logits(self, values: Tensor) -> None:
        if self.answers == "probabilities":
            return
        fault = logits_fault(values, said="answers" in self.model_fields_set)
        if fault is not None:
            raise ParameterError(f"{self._label}: expected logits, got {fault}")

    def _tried(self, images: Tensor) -> Tensor:
        import torch

        try:
            with torch.no_grad():
                return self.logits(images)
        except (ParameterError, WeightsError):
            raise
        except Exception as error:
            shape = list(self._input.prepared(images).shape)
            raise ParameterError(
                f"{self._label}: expected a model that answers images {shape}, got "
                f"{first_line(error)}; give the `size`, `channel_order` and `layout` that it takes"
            ) from error

    def _named(self, count: int) -> tuple[str, ...]:
        from adversity_plugins.classifier._class_list import class_list

        return class_list(self._label, count, self.classes, self.classes_file)

    @property
    def _label(self) -> str:
        return f"classifier '{self.name}', {self.file}"

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the logits; known after `setup`."""
        return self._names

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]` logits, or probabilities where `answers` says that.

        Probabilities of 16 bits, which are rounded too far to sum to 1, are divided by their sum.
        """
        values = self._values(self._input.prepared(images))
        if self.answers == "logits":
            return values
        fault = probs_fault(values.detach())
        if fault is not None:
            raise ParameterError(
                f"{self._label}: expected probabilities, as `answers` says, got {fault}"
            )
        whole = normalised(values)
        self._rounded = self._rounded or bool((whole != values).any())
        return whole

    def _values(self, prepared: Tensor) -> Tensor:
        """Return what the model answers, `[N, K]` float32, finite."""
        from adversity_plugins.classifier.imported._batches import in_batches_of

        answer = in_batches_of(self._rows(), self._batch, prepared)
        if not bool(answer.detach().isfinite().all()):
            bad = int((~answer.detach().isfinite()).any(1).nonzero()[0])
            self._refuse(
                len(prepared),
                f"NaN or infinity in row {bad}",
                "see whether the file holds such weights, and whether "
                f"{self._said_input()} is what it was trained with",
            )
        return answer

    def _batch(self, prepared: Tensor) -> Tensor:
        """Return the answer to one call, with the type and shape that a classifier's has."""
        answer = self._call(prepared)
        if isinstance(answer, (tuple, list)) and len(answer) == 1:
            answer = answer[0]
        fault = answer_fault(answer, len(prepared))
        if fault is not None:
            self._refuse(len(prepared), *fault)
        return answer.float()  # type: ignore[no-any-return]

    def _refuse(self, rows: int, what: str, advice: str) -> NoReturn:
        raise WeightsError(
            f"{self._label}: expected finite logits [N, K] for {rows} images, a row for each image "
            f"and a column for each class, got {what}; {advice}"
        )

    def _said_input(self) -> str:
        said = self._input.described()
        return ", ".join(f"{name} {said[name]}" for name in _INPUT if name in said)

    def describe(self) -> dict[str, Any]:
        """Return the file, what is done to the images, and what of that nobody has said."""
        known = self.model_fields_set | ({"size"} if self._file_size() is not None else set())
        unsaid = [name for name in _INPUT if name not in known and name in self._input.described()]
        named = next((n for n in ("classes", "classes_file") if getattr(self, n) is not None), None)
        rows = self._rows()
        return {
            "file": self.file.text,
            "sha256": self._sha256,
            "input": self._input.described(),
            "by_default": unsaid,
            **({} if rows is None else {"images_a_call": rows}),
            "answers": self.answers + ", of 16 bits: divided by their sum" * self._rounded,
            "classes": len(self._names),
            "class_names": f"from {named}" if named else "none given: by number",
        }

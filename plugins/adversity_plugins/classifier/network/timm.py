"""Any of timm's networks, with weights from a file of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from adversity import Classifier, ProjectFile
from adversity.did_you_mean import did_you_mean
from adversity.errors import ParameterError, WeightsError
from adversity_plugins.classifier.imported._model_input import PixelRange, scale_faults

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["Timm"]

Triple = tuple[float, float, float]


class Timm(Classifier):
    """Any network of timm (PyTorch Image Models), with weights from a file of the project.

    `file` is a state dict, safetensors or saved by torch; nothing but tensors is ever loaded, and
    nothing is fetched. Size, interpolation, mean and deviation are those with which timm evaluates
    the architecture, or the weights that a tag names (`resnet50.a1_in1k`), as far as the
    parameters do not say otherwise: what was trained here may have been trained with others, and
    the report says which were assumed. Images of `crop` x `crop` are taken as they are; others
    are resized, antialiased, and cropped at the centre. Grey is repeated to three channels.

    Needs `pip install "adversity[timm]"`.

    Reference:
        Wightman, "PyTorch Image Models", 2019.
    """

    name: ClassVar[str] = "timm"
    reference: ClassVar[str] = "Wightman, PyTorch Image Models, 2019"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"architecture": "test_resnet", "file": "weights.safetensors", "crop": 64},
    )
    heavy: ClassVar[str] = "a large network"

    architecture: str = Field(
        description="such as vit_small_patch16_224, or with a tag resnet50.a1_in1k"
    )
    file: ProjectFile = Field(description="a state dict, relative to the project")
    classes: Literal["imagenet"] | tuple[str, ...] | None = Field(
        default=None, description="names of the classes in the order of the logits"
    )
    classes_file: ProjectFile | None = Field(
        default=None, description="a text file in the project with one class a line"
    )
    mean: Triple | None = Field(
        default=None, description="is subtracted, on pixel_range and in channel_order"
    )
    std: Triple | None = Field(default=None, description="divides afterwards")
    channel_order: Literal["rgb", "bgr"] = Field(
        default="rgb", description="of the images that it was trained with"
    )
    pixel_range: PixelRange = Field(
        default="0..1", description="of the images that it was trained with, before mean and std"
    )
    resize: int | None = Field(
        default=None, ge=1, description="shorter side before the crop; `crop` if that is given"
    )
    crop: int | None = Field(default=None, ge=1, description="input size of the network")
    crop_mode: Literal["center", "squash"] | None = Field(
        default=None, description="squash: both sides to `resize`, whatever the image's form"
    )
    interpolation: Literal["bilinear", "bicubic"] | None = Field(
        default=None, description="of the resize, antialiased"
    )

    _network: Any = PrivateAttr(default=None)
    _names: tuple[str, ...] = PrivateAttr(default=())
    _transform: dict[str, Any] = PrivateAttr(default_factory=dict)
    _facts: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("architecture")
    @classmethod
    def _known(cls, value: str) -> str:
        from adversity_plugins.classifier.network._timm_network import architectures, is_installed

        # Without timm nobody knows its names; `setup` says that it is missing.
        if is_installed() and value.partition(".")[0] not in architectures():
            hint = did_you_mean(value, architectures(), "timm.list_models() lists them")
            raise ValueError(f"timm has no network {value!r}; {hint}")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.classes is not None and self.classes_file is not None:
            raise ValueError("classes and classes_file exclude each other; give one")
        fault = scale_faults(self.pixel_range, mean=self.mean, std=self.std)
        if fault is not None:
            raise ValueError(fault)
        return self

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write drawn weights of a small network."""
        from safetensors.torch import save_file

        from adversity_plugins.classifier.network import _timm_network as networks

        if networks.is_installed():
            network = networks.build("test_resnet", classes=5, side=None)
            save_file(network.state_dict(), folder / "weights.safetensors")

    def setup(self, device: str) -> None:
        """Build the network for the weights, and name its classes.

        Raises:
            ParameterError: If a parameter does not belong to the network.
            WeightsError: If timm is missing, or the weights do not fit.
        """
        super().setup(device)
        from adversity.provenance import file_sha256
        from adversity_plugins.classifier.network import _timm_network as networks
        from adversity_plugins.classifier.network._weights import fill, read_weights

        if not networks.is_installed():
            raise WeightsError(
                "classifier 'timm' needs the package timm, which is not installed; run: "
                'pip install "adversity[timm]"'
            )
        published = networks.configuration(self.architecture)
        self._transform = self._chosen(published)
        state = read_weights(self.file.path)
        label = self.file.text
        count = networks.classes_in(state, published["layer"], self.architecture, label)
        side = self._transform["crop"]
        other = side if published["fixed"] and side != published["crop"] else None
        network = networks.build(self.architecture, classes=count, side=other)
        fill(network, state, name=label)
        self._network = network.to(device)
        self._names = self._named(count)
        tag = {"configuration": published["tag"]} if published["tag"] else {}
        self._facts = {"weights": label, "sha256": file_sha256(self.file.path), **tag}

    def _chosen(self, published: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is done to the images: what was said, and else what timm does."""
        from adversity_plugins.classifier.network._timm_network import resized

        scale = 255 if self.pixel_range == "0..255" else 1
        usual: dict[str, Any] = {
            name: tuple(scale * value for value in published[name]) for name in ("mean", "std")
        }
        if self.channel_order == "bgr":
            usual = {name: values[::-1] for name, values in usual.items()}
        usual |= {name: published[name] for name in ("crop", "crop_mode", "interpolation")}
        usual |= {"channel_order": self.channel_order, "pixel_range": self.pixel_range}
        names = ("mean", "std", "crop", "crop_mode", "interpolation")
        given = {name: getattr(self, name) for name in names}
        chosen = usual | {name: value for name, value in given.items() if value is not None}
        self._expect_known(chosen)
        exact = chosen["crop"] if self.crop else resized(chosen["crop"], published["crop_pct"])
        chosen["resize"] = self.resize or exact
        if chosen["resize"] < chosen["crop"]:
            raise ParameterError(
                f"classifier 'timm': resize {chosen['resize']} is smaller than crop "
                f"{chosen['crop']}; give resize of at least the crop"
            )
        return chosen

    def _expect_known(self, chosen: Mapping[str, Any]) -> None:
        """Refuse what timm does to images and nobody here can, unless something else was said."""
        could = {
            "crop": chosen["crop"] is not None,
            "crop_mode": chosen["crop_mode"] in ("center", "squash"),
            "interpolation": chosen["interpolation"] in ("bilinear", "bicubic"),
        }
        lacks = next((name for name, known in could.items() if not known), None)
        if lacks is not None:
            raise ParameterError(
                f"classifier 'timm': timm prepares images for {self.architecture} in a way that is "
                f"not known here ({lacks} {chosen[lacks]}); say `{lacks}` as it was trained"
            )

    def _named(self, count: int) -> tuple[str, ...]:
        """Return the names that were given, else numbered ones."""
        from adversity_plugins.classifier._class_list import class_list
        from adversity_plugins.classifier.network._imagenet import category_names

        given = category_names() if self.classes == "imagenet" else self.classes
        return class_list(f"classifier '{self.name}'", count, given, self.classes_file)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of the logits; known after `setup`."""
        return self._names

    @property
    def synsets(self) -> tuple[str, ...] | None:
        """The WordNet ids, if the classes are those of ImageNet-1k."""
        from adversity_plugins.classifier.network._imagenet import category_names, synsets

        return synsets() if self._names == category_names() else None

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, K]` logits."""
        return self._network(self._prepared(images))  # type: ignore[no-any-return]

    def features(self, images: Tensor) -> Tensor:
        """Return `[N, D]`, what enters the last layer."""
        from adversity_plugins.classifier.network._timm_network import head_input

        return head_input(self._network, self._prepared(images))

    def _prepared(self, images: Tensor) -> Tensor:
        from adversity_plugins.classifier._inputs import to_rgb

        images = self._sized(to_rgb(images))
        images = images.flip(1) if self.channel_order == "bgr" else images
        images = images * 255 if self.pixel_range == "0..255" else images
        mean = images.new_tensor(self._transform["mean"]).view(1, 3, 1, 1)
        std = images.new_tensor(self._transform["std"]).view(1, 3, 1, 1)
        return (images - mean) / std

    def _sized(self, images: Tensor) -> Tensor:
        from adversity_plugins.classifier._inputs import centre_crop, stretch

        side, resize = int(self._transform["crop"]), int(self._transform["resize"])
        height, width = images.shape[-2:]
        if (height, width) == (side, side):
            return images
        short = min(height, width)
        # The other side rounded down, as torchvision does it, whose transforms timm uses.
        size = (int(resize * height / short), int(resize * width / short))
        if self._transform["crop_mode"] == "squash":
            size = (resize, resize)
        return centre_crop(stretch(images, *size, mode=self._transform["interpolation"]), side)

    def describe(self) -> dict[str, Any]:
        """Return where the weights come from and what is done to the pixels."""
        known = self.model_fields_set | ({"resize"} if self.crop is not None else set())
        return {
            "architecture": self.architecture,
            **self._facts,
            "input": self._transform,
            "by_default": [name for name in self._transform if name not in known],
            "classes": len(self._names),
        }

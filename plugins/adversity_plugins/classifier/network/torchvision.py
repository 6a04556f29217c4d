"""Any of torchvision's classification networks, with weights from torchvision or from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from adversity import Classifier, ProjectFile
from adversity.did_you_mean import did_you_mean
from adversity.errors import ParameterError, WeightsError
from adversity_plugins.classifier.imported._model_input import PixelRange, scale_faults

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["Torchvision"]

Triple = tuple[float, float, float]
_HASH_IN_NAME = re.compile(r"-([a-f0-9]{8,64})\.")


@dataclass(frozen=True, slots=True)
class _Source:
    """Where weights come from: the file (None for drawn ones), classes and facts."""

    file: Path | None
    categories: tuple[str, ...] | None
    facts: dict[str, Any]


class Torchvision(Classifier):
    """Any torchvision classification network: its own weights, a local file, or random ones.

    `weights` names torchvision's weights (`default`, or such as `IMAGENET1K_V1`), which are
    downloaded once; `none` draws random ones from `seed`. `file` is a state dict in the
    project, safetensors or saved by torch; nothing but tensors is ever loaded. `url` with
    `sha256` fetches a state dict from elsewhere.

    Normalisation and size follow the weights, and for other sources those that torchvision
    publishes for the architecture. Images of `crop` x `crop` are taken as they are; others
    are resized (shorter side to `resize`, antialiased) and cropped at the centre, as the
    weights were evaluated. Grey is repeated to three channels.

    Reference:
        TorchVision maintainers, "TorchVision: PyTorch's Computer Vision library", 2016.
    """

    name: ClassVar[str] = "torchvision"
    reference: ClassVar[str] = (
        "TorchVision maintainers, TorchVision: PyTorch's Computer Vision library, 2016"
    )
    weights_licence: ClassVar[str] = "LicenseRef-torchvision-weights"

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"architecture": "squeezenet1_1", "weights": "none", "crop": 64},
    )
    heavy: ClassVar[str] = "a large network"

    architecture: str = Field(description="such as resnet50 or vit_b_16")
    weights: str | None = Field(
        default=None, description="default, none, or a name such as IMAGENET1K_V1"
    )
    file: ProjectFile | None = Field(
        default=None, description="a state dict, relative to the project"
    )
    url: str | None = Field(default=None, description="where to fetch a state dict; needs sha256")
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="what the file or url must have",
    )
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
    seed: int = Field(default=0, ge=0, description="draws the weights of `weights: none`")

    _network: Any = PrivateAttr(default=None)
    _names: tuple[str, ...] = PrivateAttr(default=())
    _transform: dict[str, Any] = PrivateAttr(default_factory=dict)
    _facts: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("architecture")
    @classmethod
    def _known(cls, value: str) -> str:
        from adversity_plugins.classifier.network._torchvision_network import architectures

        if value not in architectures():
            hint = did_you_mean(value, architectures(), "see torchvision's model page")
            raise ValueError(f"torchvision has no classification network {value!r}; {hint}")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("weights", "file", "url") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; give one")
        if self.url is not None and not self.url.startswith(("https://", "http://")):
            raise ValueError(f"url must start with https:// or http://, got {self.url!r}")
        if self.url is not None and self.sha256 is None:
            raise ValueError("url needs sha256, so that a changed file is noticed")
        if self.classes is not None and self.classes_file is not None:
            raise ValueError("classes and classes_file exclude each other; give one")
        self._only_for_weights_of_others()
        fault = scale_faults(self.pixel_range, mean=self.mean, std=self.std)
        if fault is not None:
            raise ValueError(fault)
        return self

    def _only_for_weights_of_others(self) -> None:
        """Refuse another input than the published one for torchvision's own weights.

        Raises:
            ValueError: If there is one.
        """
        if self.file is not None or self.url is not None:
            return
        for name, usual in (("channel_order", "rgb"), ("pixel_range", "0..1")):
            value = getattr(self, name)
            if value != usual:
                raise ValueError(
                    f"{name}: expected {usual}, which torchvision's weights take, got {value}; "
                    "leave it out, or give the `file` or `url` of weights that were trained so"
                )

    def setup(self, device: str) -> None:
        """Get the weights, build the network for them, and name its classes.

        Raises:
            ParameterError: If there are no weights of this name, or names and classes differ.
            WeightsError: If the weights cannot be had, or do not fit.
        """
        super().setup(device)
        from adversity.provenance import file_sha256
        from adversity_plugins.classifier.network import _torchvision_network as networks
        from adversity_plugins.classifier.network._weights import fill, read_weights

        source = self._source()
        side = int(self._transform["crop"])
        if source.file is None:
            self._names = self._named(None, None)
            count = len(self._names)
            network = networks.draw(self.architecture, classes=count, side=side, seed=self.seed)
        else:
            digest = file_sha256(source.file)
            self._check_digest(digest, source.file.name)
            source.facts["sha256"] = digest
            state = read_weights(source.file)
            label = source.file.name
            count = networks.classes_in(state, self.architecture, side=side, name=label)
            network = networks.build(self.architecture, classes=count, side=side, state=state)
            self._names = self._named(count, source.categories)
            fill(network, state, name=label)
        self._network = network.to(device)
        self._facts = source.facts

    def _source(self) -> _Source:
        """Find the weights, downloading them if need be, and the transform that goes with them."""
        published = self._published()
        self._transform = self._chosen_transform(published)
        if self.weights == "none":
            return _Source(None, None, {"weights": "random", "seed": self.seed})
        if self.file is not None:
            return _Source(self.file.path, None, {"weights": self.file.text})
        from adversity_plugins.classifier.network._torchvision_download import fetch

        if self.url is not None:
            path = fetch(self.url, str(self.sha256), mirrored=True)
            return _Source(path, None, {"weights": self.url})
        match = _HASH_IN_NAME.search(published.url)
        path = fetch(published.url, match[1] if match else "")
        facts = {"weights": str(published), "url": published.url}
        return _Source(path, tuple(published.meta["categories"]), facts)

    def _chosen_transform(self, published: Any) -> dict[str, Any]:
        from adversity_plugins.classifier.network._torchvision_network import transform_of

        given = {name: getattr(self, name) for name in ("mean", "std", "resize", "crop")}
        usual = transform_of(published)
        scale = 255 if self.pixel_range == "0..255" else 1
        for name in ("mean", "std"):
            usual[name] = tuple(scale * value for value in usual[name])
            usual[name] = usual[name][::-1] if self.channel_order == "bgr" else usual[name]
        usual |= {"channel_order": self.channel_order, "pixel_range": self.pixel_range}
        chosen = usual | {k: v for k, v in given.items() if v is not None}
        if self.resize is None and self.crop is not None:
            chosen["resize"] = self.crop
        if chosen["resize"] < chosen["crop"]:
            raise ParameterError(
                f"classifier 'torchvision': resize {chosen['resize']} is smaller than crop "
                f"{chosen['crop']}; give resize of at least the crop"
            )
        return chosen

    def _published(self) -> Any:
        """Return torchvision's entry: the one named, else the architecture's default."""
        from adversity_plugins.classifier.network._torchvision_network import published_weights

        return published_weights(self.architecture, self.weights)

    def _check_digest(self, digest: str, name: str) -> None:
        if self.sha256 is not None and digest != self.sha256:
            raise WeightsError(
                f"weight file {name}: expected SHA-256 {self.sha256}, got {digest}; check which "
                "file is meant"
            )

    def _named(self, count: int | None, categories: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return the names that were given or come with the weights, else numbered ones."""
        from adversity_plugins.classifier._class_list import class_list

        given = self._listed()
        names = categories if given is None and self.classes_file is None else given
        return class_list(f"classifier '{self.name}'", count, names, self.classes_file)

    def _listed(self) -> tuple[str, ...] | None:
        from adversity_plugins.classifier.network._imagenet import category_names

        return category_names() if self.classes == "imagenet" else self.classes

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
        from adversity_plugins.classifier.network._torchvision_network import head_input

        side = int(self._transform["crop"])
        return head_input(self._network, self.architecture, side, self._prepared(images))

    def head(self, features: Tensor) -> Tensor | None:
        """Return `[N, K]` logits of features; None where the last layer is not linear."""
        from adversity_plugins.classifier.network._torchvision_network import linear_head

        head = linear_head(self._network, self.architecture, int(self._transform["crop"]))
        return None if head is None else head(features)

    def _prepared(self, images: Tensor) -> Tensor:
        from adversity_plugins.classifier._inputs import centre_crop, stretch, to_rgb

        side = int(self._transform["crop"])
        images = to_rgb(images)
        height, width = images.shape[-2:]
        if (height, width) != (side, side):
            short, resize = min(height, width), int(self._transform["resize"])
            size = (int(resize * height / short), int(resize * width / short))
            images = centre_crop(stretch(images, *size, mode=self._transform["mode"]), side)
        images = images.flip(1) if self.channel_order == "bgr" else images
        images = images * 255 if self.pixel_range == "0..255" else images
        mean = images.new_tensor(self._transform["mean"]).view(1, 3, 1, 1)
        std = images.new_tensor(self._transform["std"]).view(1, 3, 1, 1)
        return (images - mean) / std

    def describe(self) -> dict[str, Any]:
        """Return where the weights come from and what is done to the pixels."""
        # What torchvision's own weights take is published with them, and so known.
        own = self.file is None and self.url is None
        known = self.model_fields_set | {"mode"} | ({"resize"} if self.crop is not None else set())
        return {
            "architecture": self.architecture,
            **self._facts,
            "input": self._transform,
            "by_default": [] if own else [name for name in self._transform if name not in known],
            "classes": len(self._names),
        }

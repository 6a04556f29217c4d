"""Every kind of image file is read to an independent decoder's pixels, or refused in words."""

from __future__ import annotations

import numpy as np
import pytest
from image_cases import image_cases
from tiff_cases import tiff_cases

from adversity_plugins.dataset._read_images.decode import Unreadable, read

CASES = [*tiff_cases(), *image_cases()]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_pixels_or_a_reason(tmp_path, case):
    """Depth, photometric kind, planes, byte order, alpha and transparency: right, or refused.

    Half a level is the rounding to 8 bits; deeper values are exact in float32 (1e-6). The files
    are what they are meant to be: tifffile or imagecodecs decodes the stored samples again.
    """
    if case.decoded is not None:
        np.testing.assert_array_equal(*map(np.squeeze, case.decoded))
    path = tmp_path / "image.png"  # the content decides
    path.write_bytes(case.content)
    if isinstance(case.wanted, str):
        with pytest.raises(Unreadable, match=case.wanted):
            read(path)
        return
    pixels, wanted = read(path).pixels, np.asarray(case.wanted)
    if wanted.ndim == 3 and wanted.shape[2] == 1:
        wanted = wanted[:, :, 0]
    assert pixels.shape == wanted.shape
    if pixels.dtype == np.uint8:
        np.testing.assert_allclose(pixels, wanted * 255, rtol=0, atol=0.501 + case.levels)
    else:
        assert pixels.dtype == np.float32
        np.testing.assert_allclose(pixels, wanted, rtol=0, atol=1e-6)

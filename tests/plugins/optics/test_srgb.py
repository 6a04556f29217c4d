"""The sRGB curve against the standard's numbers."""

from __future__ import annotations

import pytest
import torch

from adversity_plugins.optics.srgb import linear_to_srgb, srgb_to_linear


@pytest.mark.parametrize(
    ("encoded", "light"),
    [(0.0, 0.0), (0.04045, 0.0031308), (0.5, 0.21404114), (0.735357, 0.5), (1.0, 1.0)],
)
def test_decodes_known_values(encoded: float, light: float) -> None:
    """The ends, the joint of IEC 61966-2-1, and two points worked out with ((v+.055)/1.055)^2.4.

    Tolerance: the standard rounds its own joint to 5 digits.
    """
    values = torch.tensor(encoded, dtype=torch.float64)
    assert float(srgb_to_linear(values)) == pytest.approx(light, abs=2e-7)
    back = linear_to_srgb(torch.tensor(light, dtype=torch.float64))
    assert float(back) == pytest.approx(encoded, abs=2e-6)


def test_there_and_back_is_the_identity() -> None:
    """Encoding undoes decoding for every grey level of 16 bits.

    Tolerance: in float64 only the standard's rounded joint is left (3e-8); in float32 the
    rounding of two powers.
    """
    exact = torch.linspace(0, 1, 65536, dtype=torch.float64)
    torch.testing.assert_close(linear_to_srgb(srgb_to_linear(exact)), exact, atol=1e-7, rtol=0)
    single = exact.float()
    torch.testing.assert_close(linear_to_srgb(srgb_to_linear(single)), single, atol=1e-6, rtol=0)


def test_both_curves_rise_and_their_slopes_are_finite() -> None:
    """Black has the slope of the linear piece, 1/12.92 and 12.92, and never NaN."""
    values = torch.linspace(0, 1, 1001, dtype=torch.float64, requires_grad=True)
    for curve, at_black in ((srgb_to_linear, 1 / 12.92), (linear_to_srgb, 12.92)):
        (slope,) = torch.autograd.grad(curve(values).sum(), values)
        assert (slope > 0).all()
        assert slope.isfinite().all()
        assert float(slope[0]) == pytest.approx(at_black)

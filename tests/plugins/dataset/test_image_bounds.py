"""Memory is bounded before it is spent, whatever a file claims or unpacks to."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_writers import bmp, chunk, gif, png, tiff
from PIL import Image

from adversity_plugins.dataset._read_images import decode
from adversity_plugins.dataset._read_images.decode import Unreadable, read

DOT = np.zeros((1, 1, 3), np.uint8)


def claiming(width, height, bits=8, colour=2):
    """Return a PNG of one pixel whose header claims more."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    whole = png(DOT)
    return whole[:8] + chunk(b"IHDR", head) + whole[33:]


def claims():
    """Return files of a few bytes, each with a claim to gigabytes."""
    still = struct.pack("<4s2sHI", b"", b"", 0, 0)
    webp = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff\x3f\0" * 2 + still
    file = io.BytesIO()
    Image.fromarray(DOT).save(file, "JPEG")
    jpeg = file.getvalue()
    return {
        "png": claiming(20_000, 20_000),
        # 89 million pixels of 8 bytes: 0.7 MB on disk when they are all 0.
        "png of 16 bits with alpha": claiming(9459, 9459, 16, 6),
        "jpeg": jpeg.replace(b"\x08\x00\x01\x00\x01\x03", b"\x08\x4e\x20\x4e\x20\x03"),
        "jp2": b"\xff\x4f\xff\x51"
        + struct.pack(">HH8IH", 47, 0, 20_000, 20_000, *[0] * 2, 20_000, 20_000, 0, 0, 3)
        + b"\7\1\1" * 3,
        "ppm": b"P6 20000 20000 255\n",
        "plain ppm": b"P3 9000 9000 255\n1",
        "bmp": bmp(b"", 24, width=20_000, height=20_000),
        "gif canvas": gif(DOT[:, :, 0], DOT[0], canvas=(20_000, 20_000)),
        "webp canvas": b"RIFF" + struct.pack("<I", len(webp) + 4) + b"WEBP" + webp,
        "tiff": tiff(DOT, photometric=2, more=[]).replace(
            struct.pack("<HHII", 256, 4, 1, 1), struct.pack("<HHII", 256, 4, 1, 10**9)
        ),
        "tiff tile": tiff(DOT, photometric=2, tile=16).replace(
            struct.pack("<HHII", 322, 4, 1, 16), struct.pack("<HHII", 322, 4, 1, 2**28)
        ),
    }


@pytest.mark.parametrize("name", claims())
def test_what_would_take_too_much_is_refused_before_decoding(tmp_path, name):
    """The limit is on bytes held while decoding: 16 bits, canvases and tiles count as they weigh.

    Nothing is warned of either (warnings are errors here).
    """
    path = tmp_path / "bomb"
    path.write_bytes(claims()[name])
    with pytest.raises(Unreadable, match="would take more than 1 GiB of memory; scale it down"):
        read(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    """A file over the limit is refused by its size on disk; this one is a hole of 2 GiB."""
    path = tmp_path / "a.bmp"
    with path.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(Unreadable, match="the file is larger than 1 GiB"):
        read(path)


def test_a_memory_error_is_a_reason_not_the_end(tmp_path, monkeypatch):
    """Where memory runs out below the limit, the file is quarantined and the run goes on."""

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(decode, "to_array", full)
    path = tmp_path / "a.png"
    path.write_bytes(png(DOT))
    with pytest.raises(Unreadable, match="too little memory is free"):
        read(path)


@pytest.mark.parametrize("kind", [b"iTXt", b"zTXt", b"iCCP"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_bombs_in_text_and_profiles_are_not_unpacked(tmp_path, kind, where):
    """100 times 50 MB of zeros in XMP, text or a profile cost nothing, and the image is kept."""
    packed = zlib.compress(bytes(50_000_000))
    head = {b"iTXt": b"XML:com.adobe.xmp\0\1\0\0\0", b"zTXt": b"x\0\0", b"iCCP": b"x\0\0"}[kind]
    path = tmp_path / "a.png"
    path.write_bytes(png(DOT, **{where: chunk(kind, head + packed) * 100}))
    image = read(path)
    assert image.pixels.tolist() == [[[0, 0, 0]]]
    assert all("larger than 1048576 bytes" in remark for remark in image.remarks)
    assert bool(image.remarks) == (kind == b"iTXt")


SIDE = 1600
HEAVY = {
    "rgb 8": (png(np.zeros((SIDE, SIDE, 3), np.uint8)), decode._HELD),
    "rgba 8": (png(np.zeros((SIDE, SIDE, 4), np.uint8)), decode._HELD),
    "rgba 16": (png(np.zeros((SIDE, SIDE, 4), np.uint16), 16), decode._HELD_DEEP),
    "grey 16": (png(np.zeros((SIDE, SIDE, 1), np.uint16), 16), decode._HELD),
    "ppm 16": (b"P6 1600 1600 65535\n" + bytes(SIDE * SIDE * 6), decode._HELD_DEEP),
}
MEASURE = """
import sys
from pathlib import Path
from adversity_plugins.dataset._read_images.decode import read
from PIL import Image, PngImagePlugin
highest = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
for name in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")
    before = highest()
    read(Path(name))
    print(highest() - before)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="only Linux tells")
def test_no_more_is_held_than_is_counted(tmp_path):
    """The peak of a process while it decodes stays below the bytes a pixel that the limit counts.

    32 MiB beside them are the strips that it works in and what Python itself claims.
    """
    files = []
    for name, (content, _) in HEAVY.items():
        files.append(tmp_path / name)
        files[-1].write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    )
    for (name, (content, held)), peak in zip(HEAVY.items(), done.stdout.split(), strict=True):
        assert int(peak) <= held * SIDE**2 + len(content) + 2**25, name
        assert Path(tmp_path / name).stat().st_size == len(content)

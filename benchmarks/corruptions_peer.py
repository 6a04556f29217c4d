"""The side of `corruptions.py` that runs in the environment of a peer.

Called by it with the interpreter of an environment that has `imagecorruptions` (or its fork
`imagecorruptions-imaug`), and needs nothing of ours: a file of images and seeds goes in, a file
of corrupted images and CPU seconds comes out. With `--published` the functions of the package
`imagenet-c`, the published generation code, are used where they run without ImageMagick.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

_OLD_NAMES = {"float_": np.float64}


def main() -> None:
    """Corrupt every image at every severity asked for."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("given", type=Path)
    parser.add_argument("made", type=Path)
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    given = np.load(options.given)
    for name, value in _OLD_NAMES.items():
        if not hasattr(np, name):
            setattr(np, name, value)
    functions = published() if options.published else {}
    made: dict[str, Any] = {}
    for name in given["names"]:
        for severity in given["severities"]:
            found = run(str(name), int(severity), given, functions, options)
            if found is not None:
                made[f"{name}/{severity}"], made[f"{name}/{severity}/seconds"] = found
    np.savez(options.made, **made)


def run(name: str, severity: int, given: Any, functions: Any, options: Any) -> Any:
    """Return the corrupted images and the least CPU seconds of a repetition, or None."""
    from PIL import Image

    if options.published and name not in functions:
        return None
    best, images = float("inf"), []
    for _ in range(options.repeat + (options.repeat > 1)):
        images = []
        start = time.process_time()
        for pixels, seed in zip(given["images"], given["seeds"], strict=True):
            np.random.seed(seed)  # noqa: NPY002  (the stream that the peers draw from)
            try:
                if options.published:
                    worse = functions[name](Image.fromarray(pixels), severity)
                else:
                    worse = package(name, pixels, severity, int(seed))
            except Exception as error:  # noqa: BLE001  (a peer may fail in any way)
                print(f"{name} {severity}: {type(error).__name__}: {error}", file=sys.stderr)
                return None
            images.append(np.uint8(worse))
        best = min(best, time.process_time() - start)
    return np.stack(images), best


def package(name: str, pixels: Any, severity: int, seed: int) -> Any:
    """Call the package; a function that has a seed of its own gets it."""
    from imagecorruptions import corrupt, corruptions

    if "multichannel" not in inspect.signature(corruptions.gaussian).parameters:
        corruptions.gaussian = _with_multichannel(corruptions.gaussian)
    takes_seed = "seed" in inspect.signature(getattr(corruptions, name)).parameters
    more = {"seed": seed} if takes_seed else {}
    return corrupt(pixels, severity=severity, corruption_name=name, **more)


def _with_multichannel(gaussian: Any) -> Any:
    """Let a newer scikit-image take the argument that the packages were written for."""

    def called(image: Any, sigma: float = 1, *, multichannel: bool = False, **more: Any) -> Any:
        axis = {"channel_axis": -1} if multichannel else {}
        return gaussian(image, sigma=sigma, **axis, **more)

    called.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("multichannel", inspect.Parameter.KEYWORD_ONLY)]
    )
    return called


def published() -> dict[str, Any]:
    """Return the functions of the published file, with what they need; the rest is not run."""
    from importlib.util import find_spec
    from io import BytesIO

    import cv2
    import skimage as sk
    import skimage.color
    import skimage.util
    from PIL import Image
    from scipy.ndimage import map_coordinates, zoom
    from skimage.filters import gaussian

    if "multichannel" not in inspect.signature(gaussian).parameters:
        gaussian = _with_multichannel(gaussian)
    path = Path(find_spec("imagenet_c").origin).parent / "corruptions.py"
    textures = Path(find_spec("imagecorruptions").origin).parent
    known: dict[str, Any] = {
        "resource_filename": lambda _, name: str(textures / name),
        "np": np,
        "sk": sk,
        "cv2": cv2,
        "PILImage": Image,
        "Image": Image,
        "BytesIO": BytesIO,
        "gaussian": gaussian,
        "scizoom": zoom,
        "map_coordinates": map_coordinates,
    }
    tree = ast.parse(path.read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    exec(compile(ast.Module(functions, []), str(path), "exec"), known)  # noqa: S102
    return {node.name: known[node.name] for node in functions}


if __name__ == "__main__":
    main()

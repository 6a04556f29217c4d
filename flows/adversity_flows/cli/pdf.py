"""The page as a PDF, printed by a browser that is there; nothing is drawn twice."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from adversity.errors import InputError, StorageError

__all__ = ["browser", "print_page"]

_BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "msedge"),
)
_SECONDS = 180


def browser() -> str | None:
    """Return the path of Chromium or one of its relatives, or None."""
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def print_page(page: Path, pdf: Path) -> None:
    """Print a report's page as a PDF.

    Args:
        page: The HTML file.
        pdf: The file to write; replaced as a whole.

    Raises:
        InputError: If there is no such browser.
        StorageError: If it writes no PDF, or the file cannot be written.
    """
    found = browser()
    if found is None:
        raise InputError(
            f"--pdf: expected Chromium or Chrome to print with (tried {', '.join(_BROWSERS)}), got "
            f"none; open {page} in any browser and print it from there: the first sheet is the "
            "summary"
        )
    with TemporaryDirectory(prefix="adversity-pdf-") as folder:
        printed = Path(folder) / "report.pdf"
        said = _printed(found, page, printed, Path(folder) / "profile")
        if not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
            raise StorageError(
                f"--pdf: expected {found} to print {page}, got no PDF ({said or 'it said nothing'}); "
                "open the page in a browser and print it from there"
            )
        try:
            pdf.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(printed, pdf)
        except OSError as error:
            raise StorageError(
                f"cannot write {pdf}: {error.strerror or error}; name another file"
            ) from error


def _printed(found: str, page: Path, printed: Path, profile: Path) -> str:
    """Let the browser print, and return the last line that it said."""
    flags = [
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-pdf-header-footer",
        f"--user-data-dir={profile}",
        f"--print-to-pdf={printed}",
    ]
    # As root, in containers mostly, Chromium has no sandbox; the page lets nothing load or run
    # but what we wrote.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--no-sandbox")
    try:
        done = subprocess.run(
            [found, *flags, page.absolute().as_uri()],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"nothing after {_SECONDS} s"
    except OSError as error:
        return error.strerror or str(error)
    return next(reversed(done.stderr.strip().splitlines()), "")

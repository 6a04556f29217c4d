"""From an empty folder to a green kit, for every kind, as an outside author goes.

The environment is a virtual one that borrows the packages of ours (no second torch), so that
pip installs there, editable, and nothing is left here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from adversity.contracts import KINDS
from adversity_flows.cli.new_plugin.files import shapes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

AWKWARD = {
    "attack": "linear",
    "classifier": "stream",
    "dataset": "random",
    "degradation": "on",
    "metric": "torch",
    "restoration": "types",
    "uncertainty": "test_time_augmentation",
}
"""Names that other things have too: layers, modules of Python and of its packages, YAML's yes."""
COMMANDS = {
    "adversity": "import sys\n\nfrom adversity_flows.cli import main\n\nsys.exit(main())\n",
    "pytest": "import sys\n\nimport pytest\n\nsys.exit(pytest.main())\n",
}
"""What pip would have put there."""


class Author:
    """Somebody with an environment of their own, in an empty folder."""

    def __init__(self, home: Path, put_warm: Callable[..., None]) -> None:
        """Make the environment, with its commands."""
        self.home, self._put_warm = home, put_warm
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", str(home / "env")], check=True
        )
        self.scripts = home / "env" / "bin"
        site = next((home / "env").glob("lib/python*/site-packages"))
        ours = sysconfig.get_paths()["purelib"]
        # addsitedir reads the .pth files of our own editable install, a plain path would not.
        (site / "borrowed.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
        for name, text in COMMANDS.items():
            self.put(name, text)

    def put(self, name: str, text: str) -> None:
        """Make a program a command of the environment, which need not wait for its imports."""
        program = self.home / name
        program.write_text(text, encoding="utf-8")
        self._put_warm(self.scripts, program, self.home / "env")

    def types(self, *command: str, folder: Path, code: int = 0) -> str:
        """Call a program and return what it wrote; complain unless it ends with `code`."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "PYTHON"))}
        done = subprocess.run(
            command,
            cwd=folder,
            env={
                **kept,
                "PATH": f"{self.scripts}{os.pathsep}{os.environ['PATH']}",
                "XDG_CACHE_HOME": str(self.home / "cache"),
                "OMP_NUM_THREADS": "1",
                "NO_COLOR": "1",
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def pip(self, *arguments: str, folder: Path) -> None:
        """Call pip, offline; what the distribution requires must be there already."""
        offline = ["--quiet", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
        self.types("python", "-m", "pip", "install", *offline, *arguments, folder=folder)


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory, put_warm: Callable[..., None]) -> Author:
    """Return an author, who goes on in one environment from one distribution to the next."""
    return Author(tmp_path_factory.mktemp("author"), put_warm)


def fenced(readme: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


SHAPES = [(kind, shape) for kind in KINDS for shape in shapes(kind)[1:]]
"""The shapes of plugins beside the usual one of a kind."""


@pytest.mark.parametrize(("kind", "shape"), [*((kind, "") for kind in KINDS), *SHAPES])
def test_a_new_distribution_is_green_at_once(author: Author, kind: str, shape: str) -> None:
    """Written, installed, tested by the kit, listed, used from Python and in a pipeline."""
    name = shape.replace("-", "_") or AWKWARD.get(kind, "dew")
    written = author.types(
        *("adversity", "new-plugin", kind, name, "--author", "A. Author", "--shape", shape),
        folder=author.home,
    )
    distribution = f"{name.replace('_', '-')}-adversity"
    folder = author.home / distribution
    assert [line.strip() for line in written.splitlines()[-3:]] == [
        f"cd {distribution}",
        "pip install --editable '.[dev]'",
        "pytest",
    ]
    author.pip("--editable", ".[dev]", folder=folder)
    output = author.types("pytest", "-q", "-W", "error", folder=folder)
    assert re.search(r"\d{2,} passed", output)
    assert "xfail" not in output
    listed = author.types("adversity", "plugins", f"{kind}/{name}", folder=author.home)
    assert f"{kind}/{name}   {distribution} 0.1.0" in listed
    readme = (folder / "README.md").read_text(encoding="utf-8")
    (snippet,) = fenced(readme, "python")
    author.put("snippet", snippet)
    author.types("snippet", folder=author.home)
    example = next(block for block in fenced(readme, "sh") if "trial" in block)
    for line in example.splitlines():
        # Without Prefect, whose start takes longer than the run; the numbers are the same.
        direct = ["--direct"] if line.startswith("adversity run") else []
        said = author.types(*line.split(), *direct, folder=folder)
    assert "✓ PASS" in said


def test_a_wheel_of_it_is_found_and_its_name_is_taken(author: Author) -> None:
    """Not only the editable install works: the wheel holds the plugin, its types and licence.

    A second one of its name is refused, and the message says whose it is.
    """
    call = ["adversity", "new-plugin", "metric", "mist", "--author", "A. Author"]
    author.types(*call, folder=author.home)
    author.pip("./mist-adversity", folder=author.home)
    assert "mist-adversity 0.1.0" in author.types(
        "adversity", "plugins", "metric/mist", folder=author.home
    )
    shown = author.types("python", "-m", "pip", "show", "--files", "mist-adversity",
                         folder=author.home)  # fmt: skip
    assert "mist_adversity/py.typed" in shown
    assert "licenses/LICENSE" in shown
    said = author.types(*call, "--output", "again", folder=author.home, code=2)
    assert "metric/mist is a plugin of mist-adversity 0.1.0, which is installed" in said
    renamed = [*call[:3], "haze", *call[4:], "--distribution", "mist-adversity"]
    said = author.types(*renamed, "--output", "again", folder=author.home, code=2)
    assert "the package 'mist_adversity' belongs to mist-adversity in this environment" in said
    assert not (author.home / "again").exists()

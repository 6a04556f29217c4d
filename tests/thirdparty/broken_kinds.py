"""The ways in which a distribution is known to break, and what must be said of each."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of breakage.

    Attributes:
        said: What the message must contain: what was expected, what came, what to do.
        uses: What a pipeline writes to use it; without, something that it may have had.
        status: Of its entry, where a class could be listed.
    """

    said: tuple[str, ...]
    uses: str = ""
    status: str = ""


def listed(name, *said, kind="degradation", status="broken"):
    """Return a kind of which the plugin is listed, with its state."""
    return Kind(said, f"{kind}/{name}", status)


STORED = {
    # The module cannot be imported.
    "acme-import-error": Kind(("No module named 'a_package_nobody_has'", "install a_package")),
    "acme-exits": Kind(("SystemExit: acme has no licence key", "must not end the program")),
    "acme-base-exception": Kind(("Halt: acme halts", "line 8", "must not end the program")),
    "acme-interrupt": Kind(("KeyboardInterrupt", "must not end the program")),
    "acme-recursion": Kind(("RecursionError", "break the circle")),
    "acme-circle": Kind(("cannot import name 'Later'", "correct the name")),
    "acme-bare-field": Kind(("non-annotated attribute", "strength = 3.0", "fix it")),
    "acme-alien-field": Kind(("Unable to generate pydantic-core schema", "Scope", "fix it")),
    # The hooks are wrong.
    "acme-no-hook": Kind(("no function marked @hookimpl", "write one")),
    "acme-unmarked": Kind(("adversity_degradations is not marked", "write @hookimpl above it")),
    "acme-misspelt-hook": Kind(("unknown hook adversity_degredations", "did you mean")),
    "acme-wrong-argument": Kind(("takes the argument severity", "does not give: none")),
    "acme-not-a-module": Kind(("expected a module, got", "Tilt", "name the module alone")),
    "acme-hook-raises": Kind(("LookupError: no licence server", "line 21", "fix it")),
    # What the hooks return is wrong.
    "acme-wrong-return": Kind(("must return a list of classes, got None", "write return [")),
    "acme-one-class": Kind(("must return a list", "got class Tilt", "write return [Tilt]")),
    "acme-mapping": Kind(("must return a list", "got dict", "write return [")),
    "acme-async": Kind(("must return a list", "got a coroutine", "def instead of async def")),
    "acme-instances": Kind(("expected a subclass", "an instance of Tilt", "return the class")),
    "acme-other-kind": Kind(("a subclass of Attack", "return it from adversity_degradations")),
    "acme-no-plugin": Kind(("got class Stranger", "write class Stranger(Degradation)")),
    "acme-no-name": Kind(("class Tilt has no name", "write name: ClassVar[str]")),
    "acme-field-name": Kind(("class Tilt has no name", "write name: ClassVar[str]")),
    "acme-kind": Kind(("expected kind 'degradation', got 'attack'", "leave kind to the")),
    # The class is wrong.
    "acme-newer-api": listed("future", "for 99", "upgrade adversity", status="incompatible"),
    "acme-older-api": listed("past", "for 0", "upgrade acme-older-api", status="incompatible"),
    "acme-api-text": listed("texted", "expected api 1", "got '1' (str)", status="incompatible"),
    "acme-abstract": listed("unwritten", "does not define degrade", "write it"),
    "acme-shouting": listed("Shouting-Tilt", "snake_case", "got 'Shouting-Tilt'"),
    "acme-control-name": listed("red\\x1b[31m<b>", "snake_case", "got 'red\\x1b[31m<b>'"),
    "acme-same-twice": listed("doubled", "stands for 2 classes", "rename all but one"),
    "acme-mute": listed("mute", "has no docstring"),
    "acme-deaf": listed("deaf", "degrade(self, images) cannot", "write def degrade(self, im"),
    "acme-unwritable": listed("unwritable", "types that JSON can hold", "use numbers, text"),
    "acme-forward": listed("forward", "types that JSON can hold", "Telescope", "use numbers"),
    "acme-shadow": listed("shadow", "hides what the contract calls differentiable", "ClassVar["),
    "acme-block-rows": listed("wordy", "expected block_rows: int", "got 'many'", "correct it"),
    "acme-no-rows": listed("rowless", "expected block_rows of 1 or more, got 0", "leave it out"),
    "acme-no-licence": listed("free", "expected licence to name a licence, got ''", "SPDX id"),
    "acme-four-levels": listed("four", "expected levels: Mapping", "(1, 2, 3, 4)", "correct it"),
    "acme-lost-level": listed("lost", "levels names 'bits', which is no parameter", "add it as"),
    "acme-makes": listed("maker", "expected makes 'images', got 'scores'", "leave it to the"),
    "acme-lenient": listed("lenient", "expected model_config extra='forbid'", "leave it out"),
    "acme-fingerprint": listed("forger", "fingerprint belongs to the core", "rename yours"),
    "acme-homeless": listed("homeless", "expected a class from a file", "'nowhere'", "define it"),
    "acme-one-need": listed(
        "needy", "expected needs: tuple[str, ...]", "got 'kernel'", kind="restoration"
    ),
    "acme-shapeless": listed("shapeless", "expected a subclass of Score", kind="uncertainty"),
    "acme-no-budget": listed("unlimited", "lacks norm and eps", "add it", kind="attack"),
}
"""Distributions of tests/thirdparty/broken that offer nothing that can be used."""

CONTAINED = {
    "acme-half": ("first_half", "LookupError: the other half is lost"),
    "acme-endless": ("endless", "got more than 1000"),
    "acme-hostile": ("looked_at", "expected a plugin class, got an object that raised"),
    "acme-new-contract": ("usurper", "kind degradation: there is a kind of this name"),
    "acme-meddler": (
        "meddler",
        (
            "importing it changed the working directory and sys.excepthook and what SIGINT does and "
            "Python's random numbers and everybody's warning filters; what could be was put back; do that "
            "inside the method that needs it"
        ),
    ),
}
"""Those of which one plugin can be used although something is wrong."""

GARBAGE = b"\xff\xfe\x00garbage"
SOUND = '''"""A sound plugin beside broken ones."""

from typing import ClassVar

from adversity import Degradation, hookimpl


class Sound(Degradation):
    """Mirror an image <script>alert(1)</script> \\x1b[31m."""

    name: ClassVar[str] = "sound"
    reference: ClassVar[str] = "A. Author & <b>B. Author</b>, Mirrors, 2020"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Sound]
'''
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
DAMAGED = {
    "bent-no-name": ({"METADATA": b"Version: 1.0\n"}, ("a name in its METADATA, got none",)),
    "bent-markup": (
        {"METADATA": b"Name: <b>x</b>\nVersion: 1.0\n"},
        ("expected a name in its METADATA, got '<b>x</b>'",),
    ),
    "bent-no-version": (
        {"METADATA": b"Name: bent-no-version\n"},
        ("a version in its METADATA, got none",),
    ),
    "bent-metadata": ({"METADATA": GARBAGE}, ("expected text in its METADATA", "UnicodeDecode")),
    "bent-no-metadata": ({"METADATA": None}, ("a name in its METADATA, got none",)),
    "bent-points": (
        {"entry_points.txt": b"[adversity]\nthis is no entry point\n"},
        ("expected lines `name = module` in its entry_points.txt",),
    ),
    "bent-bytes": (
        {"entry_points.txt": GARBAGE},
        ("expected lines `name = module` in its entry_points.txt",),
    ),
    "bent-value": (
        {"entry_points.txt": b"[adversity]\nx = not a module!\n"},
        ("expected the name of a module, got 'not a module!'", 'write x = "your_module"'),
    ),
    "bent-missing": (
        {"entry_points.txt": b"[adversity]\nx = a_module_nobody_has\n"},
        ("No module named 'a_module_nobody_has'", "expected the entry point to name a module"),
    ),
    "bent-attribute": (
        {"entry_points.txt": b"[adversity]\nx = sound_plugins:Nothing\n"},
        ("has no attribute 'Nothing'", "correct the name"),
    ),
    "bent-syntax": ({"module": b"def oops(:\n"}, ("SyntaxError", "line 1", "correct it")),
    "bent-owner": (
        {"METADATA": METADATA.format(name="adversity").encode()},
        ("its METADATA says adversity", "uninstall bent-owner"),
    ),
    "bent-trespasser": (
        {"RECORD": b"adversity/contracts/plugin.py,,\nbent_trespasser.py,,\n"},
        ("got adversity/contracts/plugin.py", "a file of the product", "rename the package"),
    ),
    "bent-reseller": (
        {"entry_points.txt": b"[adversity]\nx = sound_plugins\n"},
        ("expected a class of its own, got Sound", "acme-sound offers", "leave it out"),
    ),
    "bent-borrower": (
        {"entry_points.txt": b"[adversity]\nx = acme_sound\n"},
        ("expected a module of its own", "which acme-sound offers", "uninstall one"),
    ),
}
"""Distributions of which the metadata, or the file behind them, are damaged."""

NAMED = {name: kind.said for name, kind in STORED.items()}
NAMED |= {name: (said,) for name, (_, said) in CONTAINED.items()}
NAMED |= {name: said for name, (_, said) in DAMAGED.items()}
"""All of them: what their messages contain."""

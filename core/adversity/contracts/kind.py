"""What a kind of plugins says of itself: all that the rest of the house knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from adversity.errors import PluginError

__all__ = ["Kind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of plugins, described in its contract: `describes: ClassVar[Kind] = Kind(...)`.

    Nothing else lists kinds: what may stand where, hooks, messages, the catalogue and the schema
    are read from here. The code of a kind is named as text, `package.module:Name`, and imported
    by whoever needs it: the catalogue imports neither the stage nor torch.

    Attributes:
        name: As users write it before the slash: `attack`.
        hook: The function that offers its plugins: `adversity_attacks`.
        noun: What messages call one of them, with its article: `an attack`.
        role: What a step that uses it does, a word of its own: it leaves a table, by `stage`. Of
            our own kinds alone, `view` makes images that are not stored, `data` stands under
            `data:` instead of `steps:`, and `measure` under `metrics:` as well. None: it is a
            parameter of other plugins, and never a step.
        makes: What comes out of such a step: `predictions`.
        leaves: The same in the words of messages: `adversarial images`.
        image_role: What the report calls an image that comes out of such a step: `degraded`;
            empty where none does.
        takes: What `from:` may give it: names as in `makes`. Of these each metric
            takes what its shape can measure, and the tables of other kinds as well.
        against: What `against:` may name; empty if there is no such key. A kind with `against:`
            needs it, and its plugins are used where they stand: they define nothing for others.
        keys: The keys of a step that mean something here alone: `probe`.
        order: Where it comes in lists; those of equal order by name.
        call: What makes, of a `Ready`, its final call: a class derived from `FinalCall`, or a
            function that returns one. Everybody calls a plugin through it, `Ready.call`; without
            one, they get the plugin itself.
        public: What makes, of a `Ready`, the value that `adversity.create` returns, mostly a
            `Call`; by default a `Call` that passes its arguments on to `call`.
        stage: The class that runs a step of it, a `StageRun`, or a function that returns one.
        kit: The module of its promises: `bench_for(plugin)` returns its bench.
        sections: Modules that are imported before a report is written: they add sections.
        template: What `adversity new-plugin` fills in for a plugin of it, `package:folder`; without
            one it refuses. Those of our own kinds lie beside that command.
    """

    name: str
    hook: str
    noun: str
    role: str | None = None
    makes: str = ""
    leaves: str = ""
    image_role: str = ""
    takes: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    order: int = 100
    call: str = ""
    public: str = ""
    stage: str = ""
    kit: str = ""
    sections: tuple[str, ...] = ()
    template: str = ""

    @property
    def plural(self) -> str:
        """What several are called: `attacks`."""
        return self.hook.removeprefix("adversity_").replace("_", " ")

    @property
    def place(self) -> tuple[int, str]:
        """What sorts kinds into the order of lists."""
        return self.order, self.name

    @property
    def is_step(self) -> bool:
        """Whether it stands under `steps` in a pipeline file."""
        return self.role not in (None, "data")

    @property
    def calls(self) -> tuple[str, ...]:
        """The module of its final call, if it has one."""
        return (self.call.partition(":")[0],) if self.call else ()

    @property
    def computes(self) -> tuple[str, ...]:
        """The modules whose source is a part of every result of its steps."""
        return (*self.calls, self.stage.partition(":")[0]) if self.stage else self.calls

    def load(self, place: str) -> Any:
        """Import a part of its code.

        Args:
            place: `package.module` or `package.module:Name`, one of the attributes above.

        Raises:
            PluginError: If it is not there, or cannot be imported.
        """
        module, _, name = place.partition(":")
        try:
            part = import_module(module)
            return getattr(part, name) if name else part
        except Exception as error:
            raise PluginError(
                f"kind {self.name}: expected {place} of its description, got "
                f"{type(error).__name__}: {error}; report it to the author of the kind"
            ) from error

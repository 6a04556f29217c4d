"""Files and folders of the project as parameters: `weights: ProjectFile`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel
from pydantic_core import core_schema

from adversity import project
from adversity.contracts.nested import Plugin
from adversity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = ["ProjectFile", "ProjectFolder", "bind_files", "project_files"]


class ProjectFile:
    """A file of the project as the value of a parameter: declared, hashed, and found.

    Write `weights: ProjectFile`; `| None`, `tuple[ProjectFile, ...]` and mappings work too. Users
    give a path relative to the project's folder. The core makes the file a dependency of every
    step that uses the plugin, whatever it is called, and says where the project lies: in `setup`
    and later, `open(self.weights)` and `self.weights.path` are right from any working directory.
    Outside the core, paths are relative to the working directory.

    It enters equality, hashing and the fingerprint of the plugin as its text.
    """

    __slots__ = ("_root", "text")

    noun: ClassVar[str] = "file"

    def __init__(self, text: str | os.PathLike[str]) -> None:
        """Take a path relative to the project.

        Raises:
            ValueError: If it is absolute, leaves the project, or is empty.
        """
        spelt = os.fspath(text)
        fault = project.text_fault(spelt)
        if fault is not None:
            way = (
                f"; let DVC bring it in, `dvc import-url {spelt} data/NAME`, or leave it there and "
                f"link to it, `ln -s {spelt} data/NAME`"
            )
            raise ValueError(fault + way if Path(spelt).is_absolute() else fault)
        self.text = PurePosixPath(spelt).as_posix()
        self._root: Path | None = None

    def bind(self, root: Path) -> None:
        """Say where the project lies; the core does this before `setup` and `open`."""
        self._root = root

    @property
    def root(self) -> Path:
        """The project's folder."""
        return (self._root or Path.cwd()).resolve()

    def fault(self, root: Path) -> str | None:
        """Say why it cannot be read in a project, or None."""
        return project.file_fault(root, self.text)

    @property
    def path(self) -> Path:
        """Where it lies, absolute.

        Raises:
            InputError: If it is missing, no regular file, left out by DVC, or outside the project
                where this machine does not permit it.
        """
        fault = self.fault(self.root)
        if fault is not None:
            raise InputError(fault)
        return self.root / self.text

    def __fspath__(self) -> str:
        """Let `open`, `Path` and `torch.load` take it as it is."""
        return str(self.path)

    def __str__(self) -> str:
        """Return the path as the user wrote it, relative to the project."""
        return self.text

    def __repr__(self) -> str:
        """Show the kind and the path."""
        return f"{type(self).__name__}({self.text!r})"

    def __eq__(self, other: object) -> bool:
        """Compare the text."""
        return (
            isinstance(other, ProjectFile) and type(other) is type(self) and self.text == other.text
        )

    def __hash__(self) -> int:
        """Hash what `__eq__` compares."""
        return hash((type(self), self.text))

    def __reduce__(self) -> tuple[Callable[[str], Self], tuple[str]]:
        """Pickle the text; the receiver binds it."""
        return type(self), (self.text,)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Read a text or a path; write the text as JSON, and keep the object elsewhere."""
        return core_schema.no_info_plain_validator_function(
            cls._read,
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe what may be written."""
        return {"type": "string", "format": f"project-{cls.noun}"}

    @classmethod
    def _read(cls, value: Any) -> Self:
        if isinstance(value, ProjectFile):  # of a plugin that is made anew: an object of its own
            file = cls(value.text)
            file._root = value._root
            return file
        if not isinstance(value, str | os.PathLike):
            what = f"must be the path of a {cls.noun} in the project, got {value!r}"
            raise ValueError(what)  # noqa: TRY004  (pydantic takes a ValueError alone)
        return cls(value)


class ProjectFolder(ProjectFile):
    """A folder of the project as the value of a parameter; everything in it is hashed.

    As `ProjectFile`. `files()` lists what may be read in it.
    """

    __slots__ = ()

    noun: ClassVar[str] = "folder"

    def fault(self, root: Path) -> str | None:
        """Say why it cannot be read in a project, or None."""
        return project.folder_fault(root, self.text)

    def listing(self) -> project.Listing:
        """Return what lies in it, and what DVC leaves out.

        Raises:
            DataError: If something in it is neither file nor folder, or a link out of it.
        """
        return project.list_files(self.root, self.text)

    def files(self) -> tuple[str, ...]:
        """Return the files in it that DVC sees, as sorted paths with forward slashes.

        Raises:
            DataError: If something in it is neither file nor folder, or a link out of it.
        """
        return self.listing().files


def project_files(value: Any) -> Iterator[ProjectFile]:
    """Yield every file and folder of the project in a plugin, those in nested plugins too."""
    if isinstance(value, ProjectFile):
        yield value
    elif isinstance(value, Plugin):
        yield from project_files(value.plugin)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from project_files(getattr(value, name))
    elif isinstance(value, Mapping):
        yield from project_files((*value.keys(), *value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from project_files(item)


def bind_files(plugin: Any, root: Path | None) -> None:
    """Say to the files in a plugin's parameters where the project lies.

    Without a root it is the working directory, once: a later change of it moves no file.
    """
    for file in project_files(plugin):
        if root is not None or file._root is None:
            file.bind(root or Path.cwd())

"""Parameters that have a JSON schema for certain, beside those whose schema must be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, computed_field

from adversity import Degradation
from adversity.registry import discover
from adversity.registry.plain_fields import is_plain

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema


class Plain(Degradation):
    """Numbers, text, choices and tuples of them."""

    name: ClassVar[str] = "plain"
    amount: Annotated[float | None, Field(ge=0, description="how much")] = None
    sizes: tuple[int, str] = (1, "a")
    way: Literal["up", 2] | bool = "up"

    def degrade(self, images: Any, rng: Any) -> Any:
        """Leave them."""
        return images


class Code(Plain):
    """Writes its schema itself."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Fail."""
        raise TypeError("no schema")


class Extra(Plain):
    """Adds to its schema by a function."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.clear())


class Computed(Plain):
    """Has a field that is computed."""

    @computed_field
    def doubled(self) -> complex:
        """Return what JSON cannot hold."""
        return 2j


class Inner(BaseModel):
    """A model inside the parameters."""

    inside: int = Field(1, alias="within")


class Nested(Plain):
    """Has a model inside."""

    inner: Inner = Inner()


class Written(Plain):
    """Has a schema of its own at one type."""

    own: Annotated[int, WithJsonSchema({"type": "integer"})] = 1


class Default(Plain):
    """Has a default that JSON cannot hold."""

    odd: Any = object()


class Numbers(Plain):
    """Has a type that JSON cannot hold."""

    odd: complex = 1j


def test_numbers_text_and_tuples_are_plain() -> None:
    """A class of them is known to have a schema, and pydantic writes it."""
    assert is_plain(Plain)
    assert set(Plain.model_json_schema()["properties"]) >= {"amount", "sizes", "way"}


@pytest.mark.parametrize("cls", [Code, Extra, Computed, Nested, Written, Default, Numbers])
def test_what_others_write_is_not_plain(cls: type[Degradation]) -> None:
    """Wherever code or a type that is not ours writes the schema, it must be tried."""
    assert not is_plain(cls)


def test_most_built_ins_are_plain() -> None:
    """Those with plugins, files or types of their own in the parameters are not; a few of fifty."""
    classes = [entry.cls for entry in discover().entries() if entry.cls]
    other = [cls.name for cls in classes if not is_plain(cls)]
    assert "natural_variation" in other  # a plugin lies in its parameters
    assert len(other) < len(classes) / 4

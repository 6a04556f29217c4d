"""Parameters: fractions, text, defaults without a limit, and one name for each."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError
from typing_extensions import TypedDict

from adversity import Degradation
from adversity.contracts.plugin import takes_text
from adversity.registry.claims import alias_faults, field_faults


class Strength(float):
    """A number whose type's name has `Str` in it."""


class Word(StrEnum):
    """Text of a few."""

    SLOW = "slow"


class Unlimited(Degradation):
    """Take parameters that have no limit unless somebody gives one."""

    name: ClassVar[str] = "unlimited"
    most: float = math.inf
    least: float | None = -math.inf
    sigma: float = 1.0

    def degrade(self, images: Any, rng: Any) -> Any:
        return images


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (float, False),
        (Strength, False),
        (Strength | None, False),
        (Literal["auto"] | float, False),
        (tuple[str, ...] | float, False),
        (dict[str, float], False),
        (Any, False),
        (str, True),
        (str | None, True),
        (float | str, True),
        (Annotated[str, Field(min_length=1)] | None, True),
        (Path, True),
        (Path | None, True),
        (Word, True),
    ],
)
def test_text_is_what_the_type_says_and_not_its_name(annotation: Any, text: bool) -> None:
    """A class called Strength is a number, a path is text; what stands in a list is not asked."""
    assert takes_text(annotation) is text


def test_a_default_without_a_limit_is_taken_and_nothing_else_infinite() -> None:
    """Nobody wrote anything: no limit. Infinity, NaN and their words stay refused from users."""
    plugin = Unlimited()
    assert plugin.most == math.inf
    assert plugin.least == -math.inf
    assert Unlimited(most="8/255").most == 8 / 255
    for wrong in (math.inf, math.nan, "inf", "nan"):
        for name in ("most", "sigma", "least"):
            with pytest.raises(ValidationError, match="finite number"):
                Unlimited(**{name: wrong})


def test_parameters_without_a_limit_can_be_written_down() -> None:
    """JSON has no infinity: records, fingerprints and the schema say it as a word."""
    plugin = Unlimited()
    assert json.dumps(plugin.parameters, allow_nan=False)
    assert plugin.parameters["most"] == "inf"
    assert plugin.parameters["least"] == "-inf"
    assert plugin.fingerprint != Unlimited(most=5).fingerprint
    assert pickle.loads(pickle.dumps(plugin)) == plugin
    assert json.dumps(Unlimited.model_json_schema(), allow_nan=False)
    assert list(field_faults(Unlimited)) == []


class Inner(BaseModel):
    """A part of the parameters with two names."""

    strength: float = Field(1.0, alias="lambda")


class Written(BaseModel):
    """A part that has a second name in results alone."""

    strength: float = Field(1.0, serialization_alias="lambda")


@dataclasses.dataclass
class Record:
    """A part that is no model of pydantic's."""

    strength: Annotated[float, Field(alias="lambda")] = 1.0


class Keys(TypedDict):
    """A part that is a dictionary."""

    strength: Annotated[float, Field(alias="lambda")]


def _plugin(**fields: Any) -> type[Degradation]:
    """Make a plugin class with these fields: name to (type, default)."""
    body = {name: default for name, (_, default) in fields.items()}
    hints = {name: hint for name, (hint, _) in fields.items()}
    return type(
        "Aliased", (Degradation,), {**body, "__annotations__": hints, "__module__": __name__}
    )


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ((float, Field(1.0, alias="lambda")), "strength has the alias 'lambda'"),
        ((float, Field(1.0, validation_alias="lambda")), "strength has the alias 'lambda'"),
        ((float, Field(1.0, serialization_alias="lambda")), "strength has the alias 'lambda'"),
        ((Inner, Inner()), "a model inside the parameters has aliases"),
        ((tuple[Inner, ...], ()), "a model inside the parameters has aliases"),
        ((Written | None, None), "a model inside the parameters has aliases"),
        ((Record, Record()), "a model inside the parameters has aliases"),
        ((Keys, {"lambda": 1.0}), "a model inside the parameters has aliases"),
    ],
    ids=["alias", "validation", "serialization", "inner", "list", "written", "record", "keys"],
)
def test_a_parameter_with_two_names_is_refused(field: Any, said: str) -> None:
    """Whichever way pydantic gives a second name, the registry's judgement says which it is."""
    (fault,) = alias_faults(_plugin(strength=field))
    assert said in fault
    assert fault in list(field_faults(_plugin(strength=field)))


def test_generated_aliases_are_refused() -> None:
    """A generator of aliases gives each parameter a second name."""

    class Loud(Degradation, alias_generator=str.upper):  # type: ignore[call-arg]
        """Shout."""

        strength: float = 1.0

        def degrade(self, images: Any, rng: Any) -> Any:
            return images

    assert any("has the alias" in fault for fault in alias_faults(Loud))


class Grainy(Degradation):
    """Take a model that is defined further down in the file."""

    grain: Grain

    def degrade(self, images: Any, rng: Any) -> Any:
        return images


class Grain(BaseModel):
    """A model inside the parameters that has a second name for its size."""

    size: int = Field(1, alias="SIZE")


def test_an_alias_behind_a_forward_reference_is_refused() -> None:
    """Where the model comes after the class that takes it, its aliases count all the same."""
    (fault,) = alias_faults(Grainy)
    assert "a model inside the parameters has aliases" in fault


def test_one_name_is_no_alias() -> None:
    """Plain fields, and an alias that is the name itself, are left alone."""
    assert list(alias_faults(Unlimited)) == []
    assert list(alias_faults(_plugin(strength=(float, Field(1.0, alias="strength"))))) == []


class Fog(Degradation):
    """Two physical parameters that one severity sets."""

    name = "fog"
    levels: ClassVar[Any] = {
        "density": (0.1, 0.2, 0.3, 0.4, 0.5),
        "light": (0.9, 0.8, 0.7, 0.6, 0.5),
    }
    density: float | None = None
    light: float | None = None

    def degrade(self, images: Any, rng: Any) -> Any:
        return images


def test_physical_parameters_are_given_together_or_not_at_all() -> None:
    """One alone would leave the other to a severity that nobody chose."""
    given = Fog(density=0.25, light=0.0)
    assert (given.level("density"), given.level("light")) == (0.25, 0.0)
    assert (Fog(severity=2).level("density"), Fog(severity=2).level("light")) == (0.2, 0.8)
    with pytest.raises(ValidationError, match=r"density without light; give all of them, or sev"):
        Fog(density=0.25)
    with pytest.raises(ValidationError, match="light without density"):
        Fog(light=0.0)
    with pytest.raises(ValidationError, match="severity excludes density, light"):
        Fog(severity=1, density=0.25, light=0.5)
    with pytest.raises(ValidationError, match=r"give severity \(1 to 5\) or density, light"):
        Fog()


def test_a_plugin_with_other_parameters_is_a_new_one() -> None:
    """What was given stays but for the changes, and the first plugin is as before."""
    plugin = Unlimited(most=5)
    other = plugin.with_parameters(least=1)
    assert (other.most, other.least, plugin.least) == (5, 1, -math.inf)
    assert plugin.with_parameters() == plugin
    assert plugin.with_parameters() is not plugin

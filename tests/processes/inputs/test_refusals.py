"""Every error of pydantic that an input can have, in words of ours."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from gaia_processes.inputs.refusals import read_refusal


class Inputs(BaseModel):
    """Inputs that can be wrong in every way."""

    text: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]+$")] = "ab"
    number: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0
    inner: Annotated[float, Field(gt=0, lt=1)] = 0.5
    choice: Literal["a", "b"] = "a"
    flag: bool = True
    many: Annotated[tuple[int, ...], Field(min_length=1, max_length=2)] = (1,)
    table: dict[str, int] | None = None


@pytest.mark.parametrize(
    ("inputs", "en", "fr"),
    [
        ({"text": 1}, "1 is not text.", "1 n'est pas un texte."),
        ({"text": "a"}, "at least 2 characters", "au moins 2 caractères"),
        ({"text": "abcde"}, "at most 4 characters", "au plus 4 caractères"),
        ({"text": "ABC"}, "does not have the form ^[a-z]+$", "n'a pas la forme"),
        ({"text": "\ud800\ud800"}, "not valid Unicode text", "un texte Unicode valide"),
        ({"number": -1}, "-1 is out of bounds: at least 0", "il faut au moins 0"),
        ({"number": 2}, "at most 1", "au plus 1"),
        ({"number": float("inf")}, "not a finite number", "un nombre fini"),
        ({"inner": 0}, "more than 0", "plus de 0"),
        ({"inner": 1}, "less than 1", "moins de 1"),
        ({"choice": "c"}, "right is 'a' or 'b'", "il faut 'a' ou 'b'"),
        ({"flag": "perhaps"}, "not true or false", "n'est pas true ou false"),
        ({"flag": {}}, "not true or false", "n'est pas true ou false"),
        ({"many": "x"}, "not an array", "n'est pas un tableau"),
        ({"many": []}, "0 were given; at least 1", "il faut au moins 1"),
        ({"many": [1, 2, 3]}, "3 were given; at most 2", "il faut au plus 2"),
        ({"table": 1}, "not an object", "n'est pas un objet"),
        ({"table": {"a": "b"}}, "unable to parse", "n'est pas accepté"),
    ],
)
def test_each_error_is_said_in_both_languages(inputs: dict[str, object], en: str, fr: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Inputs.model_validate(inputs)
    ((fault,),) = (read_refusal(error) for error in caught.value.errors())
    assert en in fault.problem.en
    assert fr in fault.problem.fr


def test_choices_are_listed() -> None:
    with pytest.raises(ValidationError) as caught:
        Inputs.model_validate({"choice": "c"})
    (fault,) = read_refusal(caught.value.errors()[0])
    assert fault.allowed == ("a", "b")

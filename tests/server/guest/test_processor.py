"""Processes of ours as somebody else's pygeoapi shows them, before anything runs."""

import pytest

from gaia_config.errors import ConfigurationError
from gaia_processes.catalogue import all_processes
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.text import Text
from gaia_server.errors import NoCentre
from gaia_server.guest.processor import GaiaProcessor, metadata_of, refusal_of


def processor(**definition: str) -> GaiaProcessor:
    return GaiaProcessor({"name": "a guest", **definition})


@pytest.mark.parametrize("process", all_processes(), ids=lambda process: process.id)
def test_every_process_has_what_pygeoapi_reads(process) -> None:
    metadata = processor(process=process.id).metadata
    assert metadata["id"] == process.id
    assert metadata["title"] in (process.title.en, {"en": process.title.en, "fr": process.title.fr})
    assert metadata["inputs"].keys() == process.inputs.model_fields.keys()
    assert metadata["outputs"].keys() == process.outputs.keys()
    assert "links" not in metadata


def test_only_what_differs_is_said_in_both_languages() -> None:
    subset = next(each for each in all_processes() if each.id == "subset")
    metadata = metadata_of(subset)
    assert metadata["title"] == {"en": "Subset", "fr": "Extraction d'un sous-ensemble"}
    assert metadata["version"] == subset.version


@pytest.mark.parametrize("definition", [{}, {"process": "sub-set"}])
def test_an_unknown_process_is_a_mistake_of_the_configuration(definition: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"there are echo, subset"):
        processor(**definition)


def test_a_refusal_has_the_status_and_the_type_that_our_server_gives() -> None:
    refusal = refusal_of(NoCentre())
    assert (refusal.http_status_code, refusal.ogc_exception_code) == (503, "https://gaia-data.org/errors/no-centre")


def test_a_refusal_names_all_that_is_wrong_with_its_place() -> None:
    faults = [
        Fault(input=name, pointer=f"/inputs/{name}", problem=Text(en=f"{name} is wrong.", fr="")) for name in "ab"
    ]
    assert refusal_of(InvalidInputs(faults)).message == "/inputs/a: a is wrong. /inputs/b: b is wrong."

"""A form to begin with: of data that are here, in their place, and right."""

import html
import re

import pytest

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.inputs.constraints import Allowed
from gaia_server.pages.examples import find_example

REGRID, EXTRACT, ZONAL, ECHO = (by_id(CATALOGUE)[id] for id in ("regrid", "extract-points", "zonal-statistics", "echo"))


def allow(_inputs):
    return {"bbox": Allowed(extent=(0.0, 40.0, 8.0, 48.0))}


def example(process, *datasets, right=lambda filled: True):
    return find_example(process, datasets, is_right=right, allows=allow)


def test_an_example_is_of_the_first_dataset_that_gives_a_right_request():
    asked = example(REGRID, "a", "b", right=lambda filled: filled["dataset"] == "b")
    assert asked == {"dataset": "b", "grid": "5x5"}


def test_there_is_none_where_nothing_fits():
    assert example(REGRID) is None
    assert example(REGRID, "a", right=lambda filled: False) is None


def test_points_and_zones_lie_where_the_data_are():
    assert example(EXTRACT, "a")["points"] == "name,longitude,latitude\nA,2.0,42.0\nB,6.0,46.0\n"
    assert (
        '"coordinates": [[[2.0, 42.0], [4.0, 42.0], [4.0, 46.0], [2.0, 46.0], [2.0, 42.0]]]'
        in example(ZONAL, "a")["zones"]
    )


def test_a_process_without_data_needs_none():
    assert example(ECHO) == {"message": "hello"}


@pytest.mark.parametrize("process", ["echo", "subset", "aggregate", "regrid", "zonal-statistics", "extract-points"])
def test_the_page_leads_to_a_form_that_can_be_run(client, process):
    text = client.get(f"/processes/{process}", headers={"Accept": "text/html"}).get_data(as_text=True)
    (found,) = re.findall(r'href="([^"]+)">Begin with an example', text)
    filled = client.get(html.unescape(found).removeprefix("/api"), headers={"Accept": "text/html"}).get_data(
        as_text=True
    )
    assert "expected time" in filled
    assert "Begin with an example" not in filled

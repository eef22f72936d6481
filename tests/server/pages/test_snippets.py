import ast
import json
import shlex
from urllib.parse import parse_qs, urlsplit

import pytest

from gaia_processes.echo.describe import ECHO
from gaia_processes.formats import NETCDF
from gaia_processes.reading import dump_inputs, read_inputs
from gaia_server.kvp import read_link
from gaia_server.pages.snippets import fetch_snippets, write_link, write_snippets

URL = "https://gaia.test/jobs/1/results/data"
REQUEST = {"inputs": {"message": 'it\'s "hé" $HOME `ls`', "mask_outside": True, "bbox": [-5.0, 35.0]}}


def test_curl_names_the_file_and_follows_to_the_centre():
    told = fetch_snippets(URL, "a b.nc", NETCDF.media_type)
    assert shlex.split(told.curl) == ["curl", "-sSfL", "-o", "a b.nc", URL]


def test_python_opens_what_xarray_reads():
    assert "xr.open_dataset" in fetch_snippets(URL, "a.nc", NETCDF.media_type).python
    assert "xarray" not in fetch_snippets(URL, "a.txt", "text/plain").python
    for media_type in (NETCDF.media_type, "text/plain"):
        ast.parse(fetch_snippets(URL, 'a"\n.nc', media_type).python)


def test_a_request_survives_the_shell_as_it_is():
    words = shlex.split(write_snippets("echo", REQUEST, "https://gaia.test").curl.replace("\\\n", " "))
    assert json.loads(words[words.index("-d") + 1]) == REQUEST


def test_a_request_survives_python_as_it_is():
    tree = ast.parse(write_snippets("echo", REQUEST, "https://gaia.test").python)
    (request,) = [
        word.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "json"
    ]
    assert ast.literal_eval(request) == REQUEST


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": {"message": 'it\'s "quoted", and more', "pause": 2.5, "values": [1, 2]}},
        {"inputs": {"message": "é & ü", "area": {"bbox": [-10, 35, 20, 60]}}, "outputs": {"message": {}, "area": {}}},
    ],
)
def test_a_link_asks_for_the_same(body):
    link = write_link("echo", body, "https://gaia.test")
    read = read_link(ECHO, parse_qs(urlsplit(link).query), max_depth=64).body
    assert dump_inputs(read_inputs(ECHO, read["inputs"])) == dump_inputs(read_inputs(ECHO, body["inputs"]))
    assert set(read["outputs"]) == set(body.get("outputs", ECHO.outputs))

import ast
import json
import shlex

from gaia_processes.formats import NETCDF
from gaia_server.pages.snippets import fetch_snippets, write_snippets

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

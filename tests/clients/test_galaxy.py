"""
The two Galaxy wrappers, by their own requests.

The wrapper of Galaxy Ecology is an R script (galaxyecology/tools-ecology, `ogc_api_processes_wrapper.R`); AquaINFRA's is a
generator of Galaxy tools in Python (`OGCProcess2Galaxy.py`), and an R script that runs them (`generic.R`).
"""

import json
import time
import warnings
from typing import Any

import pytest

from wire import Answer, Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

ACCEPT_JSON = {"accept": "application/json"}


def ok(answer: Answer) -> Any:
    """Read a body as both scripts do: httr2 stops at any status from 400 on, and what is no JSON ends the script."""
    assert answer.status < 400, answer.content
    return answer.json


def poll(client: Client, job_id: str) -> dict[str, Any]:
    """Ask for the status until it is `successful` or `failed`; the scripts know no other end."""
    assert client.get(f"/jobs/{job_id}", **ACCEPT_JSON).status == 200
    give_up = time.monotonic() + 30
    while (status := ok(client.get(f"/jobs/{job_id}", **ACCEPT_JSON)))["status"] not in {"successful", "failed"}:
        assert time.monotonic() < give_up, status
        assert "progress" in status
        time.sleep(0.2)
    return dict(status)


# --- Galaxy Ecology -------------------------------------------------------------------------------------------------


def ecology_outputs(client: Client, parameters: dict[str, Any]) -> dict[str, Any]:
    """Ask for every output that the description names, all by reference; the address has two slashes."""
    described = ok(client.get(f"//processes/{parameters['select_process']}"))
    outputs = {}
    for name in described["outputs"]:
        chosen = parameters.get(f"{name}_outformat")
        outputs[name] = {"format": {"mediaType": chosen}} if chosen else {}
        outputs[name]["transmissionMode"] = "reference"
    return outputs


def run_ecology(client: Client, parameters: dict[str, Any]) -> list[str]:
    """Do what the wrapper does from its parameters to its list of addresses."""
    body = {"inputs": parameters, "outputs": ecology_outputs(client, parameters)}
    started = client.execute(
        parameters["select_process"], body, accept="/*", Prefer="respond-async;return=representation"
    )
    job_id = ok(started)["jobID"]
    assert poll(client, job_id)["status"] == "successful"
    results = client.get(f"/jobs/{job_id}/results", **ACCEPT_JSON)
    assert results.status == 200
    return [value["href"] for value in results.json.values()]


def test_galaxy_ecology_gets_the_addresses_of_all_results(client):
    parameters = {
        "select_process": "subset",
        "dataset": "a1b-north-america",
        "bbox": ["-110", "30", "-80", "50"],
        "datetime": "2000/2009",
        "variables": None,
        "levels": None,
        "data_outformat": "application/x-netcdf",
        "outputData": "/galaxy/outputs/data.dat",
    }
    (address,) = run_ecology(client, parameters)
    assert client.get(address).content.startswith(b"\x89HDF")


def test_galaxy_ecology_gets_values_by_address_too(client):
    addresses = run_ecology(
        client, {"select_process": "echo", "message": "hello", "pause": "0.1", "values": ["1", "2"], "outputData": "x"}
    )
    contents = {address.rpartition("/")[2]: client.get(address).content for address in addresses}
    assert contents == {"message": b"hello", "values": b"[1, 2]"}


def test_galaxy_ecology_is_refused_with_a_reason_when_a_file_is_given_where_none_is_wanted(client):
    """Files go as a list of addresses, even one; here the message shall be one."""
    answer = client.execute(
        "echo",
        {"inputs": {"message": [{"href": "https://example.org/a.txt"}], "select_process": "echo"}},
        accept="/*",
        Prefer="respond-async;return=representation",
    )
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["errors"][0]["input"] == "message"


# --- AquaINFRA ------------------------------------------------------------------------------------------------------

KINDS = {
    "array": "text",
    "boolean": "boolean",
    "integer": "integer",
    "number": "float",
    "object": "data",
    "string": "text",
}
CLASSES = ("core", "ogc-process-description", "json")


def generate_tools(client: Client) -> dict[str, dict[str, dict[str, Any]]]:
    """Make of every process on the first page what the generator makes of it: a field for each input."""
    conforms_to = ok(client.get("/conformance"))["conformsTo"]
    for name in CLASSES:
        uri = f"http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{name}"
        if uri not in conforms_to:
            warnings.warn(f"the API does not conform to {uri}", stacklevel=1)
    tools = {}
    for summary in ok(client.get("/processes"))["processes"]:
        described = ok(client.get(f"/processes/{summary['id']}"))
        tools[summary["id"]] = {name: make_field(one) for name, one in described["inputs"].items()}
    return tools


def make_field(described: dict[str, Any]) -> dict[str, Any]:
    """Read a description as the generator does; its mistakes included, a required input without `type` is a KeyError."""
    schema = described["schema"]
    optional = bool(schema.get("nullable")) or described.get("minOccurs") == 0
    schema = schema["oneOf"][0] if schema.get("oneOf") else schema
    kind = KINDS[str(schema["type"])] if not optional or "type" in schema else "data"
    if schema.get("type") == "array" and "type" in schema.get("items", {}):
        kind = f"comma-separated {KINDS[schema['items']['type']]}"
    return {
        "kind": "select" if "enum" in schema else kind,
        "options": [str(each) for each in schema.get("enum", ())],
        "optional": optional,
        "label": described["title"],
        "help": described["description"],
    }


def run_aquainfra(client: Client, process: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Send the inputs alone, take the job from `Location`, and read the results with `?f=json`."""
    started = client.execute(process, {"inputs": inputs}, Prefer="respond-async")
    ok(started)
    job_id = started.headers["Location"].rpartition("/")[2]
    status = poll(client, job_id)
    assert status["status"] == "successful"
    assert status["links"][2]["href"].endswith(f"/jobs/{job_id}/results")  # generic.R writes the third link down
    results = client.get(f"/jobs/{job_id}/results?f=json")
    assert "href" in json.dumps(results.json)
    return dict(results.json)


def test_aquainfra_makes_a_tool_of_every_process_of_the_first_page(client):
    tools = generate_tools(client)
    assert {"echo", "subset"} <= set(tools)
    assert tools["subset"]["dataset"]["kind"] == "select"
    assert "a1b-north-america" in tools["subset"]["dataset"]["options"]
    assert tools["echo"]["pause"] == {"kind": "float", "options": [], "optional": True} | {
        name: tools["echo"]["pause"][name] for name in ("label", "help")
    }
    assert not [
        name for fields in tools.values() for name in fields if "." in name or "_array" in name or "_object" in name
    ]


def test_aquainfra_runs_a_tool_and_reads_the_address_of_its_result(client):
    inputs = {"dataset": "a1b-north-america", "bbox": ["-110", "30", "-80", "50"], "datetime": "2000/2009"}
    results = run_aquainfra(client, "subset", inputs | {"variables": "air_temperature"})
    assert client.get(results["data"]["href"]).content.startswith(b"\x89HDF")


def test_aquainfra_sends_an_array_of_one_as_a_bare_value(client):
    job = client.job("echo", {"inputs": {"message": "x", "values": "7"}})
    assert client.end_of(job)["status"] == "successful"
    assert client.get(f"{job}/results?f=json").json["values"] == [7]

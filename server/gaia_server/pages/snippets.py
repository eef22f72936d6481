"""Something to copy, for a shell and for Python: a request, or how to get a file."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any
from urllib.parse import urlencode

from gaia_processes.formats import COVERAGE_JSON, CSV, CSV_FR, GEOTIFF, NETCDF, ZARR

_WIDTH = 88
_OPENED: Mapping[str, tuple[str, str]] = {
    NETCDF.media_type: ("xarray as xr", "xr.open_dataset({})"),
    ZARR.media_type: ("xarray as xr", 'xr.open_zarr("zip://::" + {}, consolidated=False)'),
    GEOTIFF.media_type: ("rasterio", "rasterio.open({})"),
    COVERAGE_JSON.media_type: ("json", "json.load(open({}))"),
    CSV.media_type: ("pandas as pd", "pd.read_csv({})"),
    CSV_FR.media_type: ("pandas as pd", 'pd.read_csv({}, sep=";", decimal=",", encoding="utf-8-sig")'),
}
"""By media type, what opens a file in Python: a module, and a call with the place of its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snippets:
    """The same for a shell and for Python."""

    curl: str
    python: str


def write_snippets(process_id: str, body: Mapping[str, Any], base_url: str) -> Snippets:
    """
    Write a request down; each starts a job.

    Parameters
    ----------
    body : mapping
        Of an execute request.
    base_url : str
        Address of the service, without a slash at its end.
    """
    address = f"{base_url}/processes/{process_id}/execution"
    return Snippets(curl=_curl(address, body), python=_python(address, body))


def write_link(process_id: str, body: Mapping[str, Any], base_url: str) -> str:
    """Write a request as a link that gives its result, as `gaia_server.kvp` reads it; for what is done at once."""
    query = [(name, _value(value)) for name, value in body.get("inputs", {}).items()]
    for name, wish in body.get("outputs", {}).items():
        media_type = wish.get("format", {}).get("mediaType")
        query.append((f"{name}[mediaType]", media_type) if media_type else (f"{name}[include]", "true"))
    address = f"{base_url}/processes/{process_id}/execution"
    return f"{address}?{urlencode(query, safe=',:/[]')}" if query else address


def _value(value: Any) -> str:
    plain = isinstance(value, list) and all(
        isinstance(each, str | int | float) and "," not in str(each) for each in value
    )
    return ",".join(map(str, value)) if plain else value if isinstance(value, str) else json.dumps(value)


def fetch_snippets(url: str, name: str, media_type: str) -> Snippets:
    """
    Say how to get a file.

    Parameters
    ----------
    url : str
        Where it is.
    name : str
        What to call it.
    """
    lines = ["from urllib.request import urlretrieve", "", f"urlretrieve({_quoted(url)}, {_quoted(name)})"]
    if media_type in _OPENED:
        module, call = _OPENED[media_type]
        lines[1:1] = ["", f"import {module}"]
        lines.append(f"data = {call.format(_quoted(name))}")
    return Snippets(curl=f"curl -sSfL -o {shlex.quote(name)} {shlex.quote(url)}", python="\n".join(lines))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _curl(address: str, body: Mapping[str, Any]) -> str:
    lines = (
        f"curl -sS -D - {shlex.quote(address)}",
        "-H 'Content-Type: application/json' -H 'Prefer: respond-async'",
        f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
    )
    return " \\\n  ".join(lines)


def _python(address: str, body: Mapping[str, Any]) -> str:
    request = pformat(dict(body), width=_WIDTH, sort_dicts=False)
    return f"""import time

import requests

answer = requests.post(
    {address!r},
    json={request.replace(chr(10), chr(10) + " " * 9)},
    headers={{"Prefer": "respond-async"}},
    timeout=60,
)
answer.raise_for_status()
job = answer.headers["Location"]
while (status := requests.get(job, timeout=60).json())["status"] in ("accepted", "running"):
    time.sleep(1)
if status["status"] != "successful":
    raise SystemExit(status["message"])
for name, output in requests.get(job + "/results", params={{"f": "json"}}, timeout=60).json().items():
    print(name, output)
"""

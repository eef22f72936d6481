"""One real subset through the whole way, over HTTP, as any client would ask for it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PROCESS = "subset"
INPUTS: dict[str, Any] = {
    "dataset": "a1b-north-america",
    "bbox": [-100, 30, -80, 50],
    "datetime": "2000/2019",
}
SHORT_S = 5.0
PAUSE_S = 0.05
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy has no business between us and ourselves


@dataclass(frozen=True, kw_only=True, slots=True)
class Tour:
    """
    How the job ended.

    Attributes
    ----------
    status : dict
        Its last status.
    result : str or None
        Link to its result, where there is one.
    took_s : float
        From the request to the result.
    """

    status: dict[str, Any]
    result: str | None
    took_s: float


def is_ready(address: str) -> bool:
    """Tell whether the server says that it is ready."""
    try:
        with LOCAL.open(f"{address}/health/ready", timeout=SHORT_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def take_tour(address: str, *, limit_s: float, watch: Callable[[], None]) -> Tour | None:
    """
    Submit a subset, wait for its end, and fetch the link to its result.

    Parameters
    ----------
    address : str
        Of the server.
    limit_s : float
        How long to wait.
    watch : callable
        Called between two looks.

    Returns
    -------
    Tour or None
        None when it was not finished in time.
    """
    begun = time.monotonic()
    status, job = _submit(address)
    while status["status"] in {"accepted", "running"}:
        if time.monotonic() - begun > limit_s:
            return None
        watch()
        time.sleep(PAUSE_S)
        status, _ = _fetch(urllib.request.Request(f"{job}?f=json"))  # noqa: S310 - the address is the box's own
    result = None
    if status["status"] == "successful":
        document, _ = _fetch(urllib.request.Request(f"{job}/results?f=json"))  # noqa: S310 - the address is the box's own
        result = next((value["href"] for value in document.values() if "href" in value), None)
    return Tour(status=status, result=result, took_s=time.monotonic() - begun)


def curl(address: str) -> str:
    """Write the command that repeats it by hand, synchronously."""
    body = json.dumps({"inputs": INPUTS})
    return (
        f"curl -o subset.nc {address}/processes/{PROCESS}/execution \\\n"
        f"     -H 'Content-Type: application/json' \\\n"
        f"     -d '{body}'"
    )


def _submit(address: str) -> tuple[dict[str, Any], str]:
    request = urllib.request.Request(  # noqa: S310 - the address is the box's own
        f"{address}/processes/{PROCESS}/execution",
        data=json.dumps({"inputs": INPUTS}).encode(),
        headers={"Content-Type": "application/json", "Prefer": "respond-async", "Cache-Control": "no-cache"},
    )
    status, headers = _fetch(request)
    return status, headers.get("Location", "")


def _fetch(request: urllib.request.Request) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        with LOCAL.open(request, timeout=30) as answer:
            return json.load(answer), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return {"status": "failed", "message": error.read(500).decode(errors="replace")}, {}
    except (OSError, ValueError) as error:
        return {"status": "failed", "message": f"the server did not answer as it should ({error})"}, {}

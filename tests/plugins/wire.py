"""Speaking HTTP to a box as plain programs do: no header that was not asked for, and an error is an answer too."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ASYNC = {"Prefer": "respond-async"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Client:
    """Speaks HTTP, and takes an error for an answer."""

    base_url: str

    def send(self, method: str, address: str, content: bytes | None = None, **headers: str) -> Answer:
        url = address if address.startswith("http") else self.base_url + address
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, data=content, headers=named, method=method)
        try:
            with DIRECT.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def get(self, address: str, **headers: str) -> Answer:
        return self.send("GET", address, **headers)

    def execute(self, process: str, body: dict[str, Any], **headers: str) -> Answer:
        content = json.dumps(body).encode()
        return self.send(
            "POST", f"/processes/{process}/execution", content, **{"Content_Type": "application/json"} | headers
        )

    def job(self, process: str, body: dict[str, Any], **headers: str) -> str:
        """Ask for a job; give its address."""
        answer = self.execute(process, body, **ASYNC, **headers)
        assert answer.status == 201, answer.content
        return str(answer.headers["Location"])

    def end_of(self, job: str) -> dict[str, Any]:
        """Wait until a job has ended."""
        give_up = time.monotonic() + 60
        while (status := self.get(job).json)["status"] in {"accepted", "running"}:
            assert time.monotonic() < give_up, status
            time.sleep(0.1)
        return dict(status)

    def count_jobs(self) -> int:
        return len(self.get("/jobs?limit=1000").json["jobs"])

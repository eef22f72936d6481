"""
Makes load on a server, in a process of its own: one line of JSON in, one line of JSON out.

    echo '{"kind": "polls", "base_url": "http://127.0.0.1:5000", "paths": ["/jobs"], "connections": 8, "seconds": 5}' \
        | python benchmarks/load.py

`polls` asks for paths as fast as answers come, or with a pause; `users` submit, poll and fetch; `through` measures one job
after the other from its submission to its result; `submits` asks for many jobs; `equal` for the same one; `hold` opens event streams, waits and downloads until the input ends.
"""

import asyncio
import json
import random
import socket
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"
FINAL = {"successful", "failed", "dismissed"}
FRESH = {"Cache-Control": "no-cache"}
"""Equal work that was done before is reused; what is measured is to be computed."""
JSON_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends a request and waits for its answer; as little of HTTP as that needs."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def open(cls, base_url: str) -> "Connection":
        """Connect."""
        at = urlsplit(base_url)
        _, connection = await asyncio.get_running_loop().create_connection(cls, at.hostname, at.port)
        return connection

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Complete the answer as soon as its body has arrived."""
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or self._waiting is None:
            return
        size = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
        if len(rest) >= size:
            self._buffer = rest[size:]
            waiting, self._waiting = self._waiting, None
            if not waiting.done():
                waiting.set_result((int(head[9:12]), rest[:size]))

    def connection_lost(self, _: Exception | None) -> None:
        """End the wait: nothing more comes."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((0, b""))

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Send a request; give the status (0 where the connection ended) and the body."""
        self._waiting = asyncio.get_running_loop().create_future()
        named = JSON_HEADERS | headers | ({"Content-Length": str(len(body))} if body else {})
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in named.items())]
        self._transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        return await self._waiting

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


class Tally:
    """Times by kind of request, in seconds, and how often each status came."""

    def __init__(self) -> None:
        self.times_s: dict[str, list[float]] = {}
        self.statuses: Counter[str] = Counter()

    async def ask(
        self, kind: str, connection: Connection, method: str, path: str, body: bytes = b"", **headers: str
    ) -> bytes:
        """Send a request and note what it took."""
        began = time.perf_counter()
        status, content = await connection.ask(method, path, body, **headers)
        self.times_s.setdefault(kind, []).append(time.perf_counter() - began)
        self.statuses[str(status)] += 1
        return content

    def told(self, seconds: float) -> dict[str, Any]:
        """Say what was measured."""
        kinds = {kind: summary(times, seconds) for kind, times in self.times_s.items()}
        return {"kinds": kinds, "statuses": dict(self.statuses)}


def summary(times_s: list[float], seconds: float) -> dict[str, float]:
    """Give the rate and percentiles of times."""
    ordered = sorted(times_s)
    return {
        "count": len(ordered),
        "rate": len(ordered) / seconds,
        "p50_ms": 1e3 * ordered[len(ordered) // 2],
        "p99_ms": 1e3 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    }


async def polls(
    base_url: str, paths: list[str], connections: int, seconds: float, pause_s: float = 0.0
) -> dict[str, Any]:
    """Ask for paths by chance, on so many connections at once."""
    tally, end = Tally(), time.perf_counter() + seconds

    async def one(seed: int) -> None:
        choose = random.Random(seed)
        connection = await Connection.open(base_url)
        await asyncio.sleep(pause_s * choose.random())
        while time.perf_counter() < end:
            await tally.ask("poll", connection, "GET", choose.choice(paths))
            if pause_s:
                await asyncio.sleep(pause_s)
        connection.close()

    await asyncio.gather(*(one(seed) for seed in range(connections)))
    return tally.told(seconds)


async def users(
    base_url: str, paths: list[str], clients: int, seconds: float, pause_s: float, round_s: float
) -> dict[str, Any]:
    """
    Let clients do what clients do: list or describe, submit, poll with a pause, fetch the result; and look at old jobs.

    A client submits its next job when the one before has ended, and not sooner than `round_s` after it was submitted; until
    then it goes on polling.
    """
    tally, end = Tally(), time.perf_counter() + seconds

    async def one(seed: int) -> None:
        choose = random.Random(seed)
        connection = await Connection.open(base_url)
        await asyncio.sleep(round_s * seed / clients)
        while time.perf_counter() < end:
            await tally.ask(
                "list and describe",
                connection,
                "GET",
                choose.choice(["/processes", "/processes/echo", "/jobs?limit=10"]),
            )
            body = json.dumps({"inputs": {"message": f"user {seed} at {time.time()}"}}).encode()
            told = await tally.ask(
                "submit", connection, "POST", "/processes/echo/execution", body, Prefer="respond-async", **FRESH
            )
            job, again, ended = f"/jobs/{json.loads(told)['jobID']}", time.perf_counter() + round_s, False
            while time.perf_counter() < end and not (ended and time.perf_counter() >= again):
                await asyncio.sleep(pause_s)
                await tally.ask("poll", connection, "GET", choose.choice(paths))
                if not ended and json.loads(await tally.ask("poll", connection, "GET", job))["status"] in FINAL:
                    await tally.ask("result", connection, "GET", f"{job}/results?f=json")
                    ended = True
        connection.close()

    await asyncio.gather(*(one(seed) for seed in range(clients)))
    return tally.told(seconds)


async def through(base_url: str, process: str, inputs: dict[str, Any], runs: int) -> dict[str, Any]:
    """Measure jobs one after the other, from the submission to the poll that sees the result; a poll each millisecond."""
    tally, connection, times_s, submits_s = Tally(), await Connection.open(base_url), [], []
    for number in range(runs):
        body = json.dumps(
            {"inputs": inputs | {"message": f"number {number}"} if "message" in inputs else inputs}
        ).encode()
        began = time.perf_counter()
        told = await tally.ask(
            "submit", connection, "POST", f"/processes/{process}/execution", body, Prefer="respond-async", **FRESH
        )
        submits_s.append(time.perf_counter() - began)
        job = f"/jobs/{json.loads(told)['jobID']}" if b"jobID" in told else f"/jobs/{json.loads(told)['id']}"
        while True:
            status = json.loads(await tally.ask("poll", connection, "GET", job))["status"]
            if status in FINAL:
                assert status == "successful", status
                break
            await asyncio.sleep(0.001)
        times_s.append(time.perf_counter() - began)
    connection.close()
    return {"submit": summary(submits_s, sum(times_s)), "through": summary(times_s, sum(times_s))}


async def hold(base_url: str, streams: list[str], waits: int, downloads: int, file: str) -> dict[str, Any]:
    """Open event streams, keep synchronous requests waiting and read a file slowly; say `ready`, and go on until told."""
    at = urlsplit(base_url)
    counts: Counter[str] = Counter()
    begun = asyncio.Event()
    wanted = len(streams) + downloads

    def count(kind: str) -> None:
        counts[kind] += 1
        if counts["stream"] + counts["download"] >= wanted:
            begun.set()

    async def read(kind: str, path: str, piece: int, pause_s: float) -> None:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, (at.hostname, at.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=piece)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".encode())
        head = await reader.read(piece)
        assert b" 200 " in head[:20], head[:200]
        count(kind)
        while data := await reader.read(piece):
            counts[f"{kind} bytes"] += len(data)
            await asyncio.sleep(pause_s)
        counts[f"{kind} ended"] += 1

    async def wait() -> None:
        body = json.dumps({"inputs": {"message": "waiting", "pause": 7}}).encode()
        while True:
            connection = await Connection.open(base_url)
            status, _ = await connection.ask("POST", "/processes/echo/execution", body, **FRESH)
            counts[f"waited, {status}"] += 1
            connection.close()

    tasks = [
        *(asyncio.create_task(read("stream", path, 4096, 0)) for path in streams),
        *(asyncio.create_task(wait()) for _ in range(waits)),
        *(asyncio.create_task(read("download", file, 8192, 0.1)) for _ in range(downloads)),
    ]
    await asyncio.wait_for(begun.wait(), 60)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    broken = [repr(task.exception()) for task in tasks if task.done() and task.exception()]
    for task in tasks:
        task.cancel()
    return {"counts": dict(counts), "broken": broken[:3]}


async def submits(base_url: str, connections: int, count: int, mark: str) -> dict[str, Any]:
    """Submit so many echo jobs on so many connections, each with a message of its own; what is put off is asked again."""
    tally, numbers, ids = Tally(), iter(range(count)), {}
    began = time.perf_counter()

    async def one() -> None:
        connection = await Connection.open(base_url)
        for number in numbers:
            body = json.dumps({"inputs": {"message": f"{mark} {number}"}}).encode()
            while True:
                told = await tally.ask(
                    "submit", connection, "POST", "/processes/echo/execution", body, Prefer="respond-async"
                )
                if b"jobID" in told:
                    ids[json.loads(told)["jobID"]] = f"{mark} {number}"
                    break
                await asyncio.sleep(0.5)
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return tally.told(time.perf_counter() - began) | {"jobs": ids}


async def equal(base_url: str, connections: int, count: int, mark: str, pause: float) -> dict[str, Any]:
    """Ask so many times for the same, on so many connections at once."""
    tally, numbers, ids = Tally(), iter(range(count)), []
    body = json.dumps({"inputs": {"message": mark, "pause": pause}}).encode()
    began = time.perf_counter()

    async def one() -> None:
        connection = await Connection.open(base_url)
        for _ in numbers:
            told = await tally.ask(
                "submit", connection, "POST", "/processes/echo/execution", body, Prefer="respond-async"
            )
            ids.append(json.loads(told)["jobID"])
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    took_s = time.perf_counter() - began
    return tally.told(took_s) | {"took_s": took_s, "jobs": ids}


KINDS = {
    "submits": submits,
    "equal": equal,
    "polls": polls,
    "users": users,
    "through": through,
    "hold": hold,
}


def main() -> None:
    """Do what the first line says."""
    asked = json.loads(sys.stdin.readline())
    print(json.dumps(asyncio.run(KINDS[asked.pop("kind")](**asked))), flush=True)


if __name__ == "__main__":
    main()

"""Scenario 31: the server dies while a file is on its way in."""

import socket
from collections.abc import Callable

from rig import Rig

SIZE_BYTES = 20_000_000


def test_scenario_31_half_an_upload_leaves_no_file_and_no_job_behind(other_rig: Callable[..., Rig]) -> None:
    rig = other_rig(webs=("a",), more={"GAIA_SWEEP_PERIOD_S": "0.5"})
    uploads = rig.home / "uploads"
    host, _, port = rig.client().base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"POST /uploads HTTP/1.1\r\nHost: {host}\r\nContent-Length: {SIZE_BYTES}\r\n\r\n"
        connection.sendall(head.encode() + b"CDF\x01" + bytes(SIZE_BYTES // 2))
        rig.wait_until(
            lambda: any(path.stat().st_size > SIZE_BYTES // 4 for path in uploads.glob("*.part")), limit_s=10
        )
        jobs = len(rig.rows())
        rig.kill("web a")
    assert list(uploads.iterdir()), "the half is still there"
    rig.start("web a")
    rig.wait_until(rig.is_up, limit_s=60)
    rig.wait_until(lambda: list(uploads.iterdir()) == [], limit_s=30)
    assert len(rig.rows()) == jobs
    answer = rig.client().send("POST", "/uploads", b"CDF\x01" + bytes(100))
    assert answer.status == 201, answer
    assert rig.client().send("DELETE", f"/uploads/{answer.json['uploadID']}").status == 204

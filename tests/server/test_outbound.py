"""Where the server may call, and where it must never: a canary on the loopback counts what reaches it."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from canary import Canary, singing
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_server.outbound import Outbound, OutboundFailed, OutboundRefused, is_open, open_outbound, shown

OPEN = "93.184.215.14"


class Authority(Protocol):
    """A certificate authority of a test's own."""

    path: Path

    def vouch(self, *names: str, **how: Any) -> ssl.SSLContext:
        """Give what a server of these names shows."""


@pytest.fixture
def trusted(canary: Canary) -> Callable[..., Outbound]:
    """Give callers that the configuration lets call the canary by host and port, and nothing else."""

    def make(*more: str, **how: Any) -> Outbound:
        return Outbound(hosts=(f"127.0.0.1:{canary.port}", *more), allow_http=True, **how)

    return make


HOSTS = (
    "127.0.0.1",
    "127.0.0.53",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "0",
    "0.0.0.0",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "127\u30020\u30020\u30021",
    "%31%32%37.0.0.1",
    "localhost",
    "LOCALHOST.",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1%25lo]",
    "169.254.169.254",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
)


@pytest.mark.parametrize("port", ["usual", "canary"])
@pytest.mark.parametrize("host", HOSTS)
def test_s2_no_spelling_of_an_inner_address_is_called(host: str, port: str, canary: Canary) -> None:
    """S2: each is on the list by its name, as an unlucky operator might have it, and refused all the same."""
    url = f"http://{host}:{canary.port}/" if port == "canary" else f"http://{host}/"
    with pytest.raises(OutboundRefused) as caught:
        Outbound(hosts=(host, host.lower().strip(".")), allow_http=True, time_limit_s=2).fetch(url)
    assert canary.hits == []
    assert type(caught.value) is OutboundRefused or "is not known" in caught.value.text.en
    assert caught.value.text.en != caught.value.text.fr


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "gopher://127.0.0.1:{port}/_GET",
        "dict://127.0.0.1:{port}/",
        "data:application/json,[1]",
        "jar:http://127.0.0.1:{port}/!/",
        "//127.0.0.1:{port}/",
        "127.0.0.1:{port}",
        "http:127.0.0.1:{port}",
        "http:///127.0.0.1:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://user:secret@127.0.0.1:{port}/",
        "http://data.example.org@127.0.0.1:{port}/",
        "http://data.example.org\\@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@data.example.org/",
        "http://data.example.org:80@127.0.0.1:{port}/",
        "http://data.example.org:{port}/",
        "http://127.0.0.1:{port}\r\nHost: data.example.org/",
        "http://127.0.0.1:{port}/ HTTP/1.1",
        "http://127.0.0.1:{port}\t/",
        " http://127.0.0.1:{port}/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:{port}0/",
        "http://127.0.0.1:x/",
        "http://[127.0.0.1]:{port}/",
        "http://[::1/",
        "http://",
        "",
        None,
        7,
        {},
    ],
)
def test_s2_no_trick_with_an_address_is_called(url: Any, canary: Canary) -> None:
    outbound = Outbound(hosts=("data.example.org", "127.0.0.1"), allow_http=True, resolve=lambda *_: [OPEN])
    with pytest.raises(OutboundRefused):
        outbound.target(url.format(port=canary.port) if isinstance(url, str) else url)
    assert canary.hits == []


@pytest.mark.parametrize("mark", ["#", "?", "/"])
def test_s2_what_stands_behind_the_host_is_not_the_host(mark: str) -> None:
    outbound = Outbound(hosts=("data.example.org", "127.0.0.1"), allow_http=True)
    assert outbound.target(f"http://data.example.org{mark}@127.0.0.1/").host == "data.example.org"


@pytest.mark.parametrize("scheme", ["http", "HTTP", "hTTp"])
def test_s2_without_encryption_only_where_the_configuration_says_so(scheme: str, canary: Canary) -> None:
    url = f"{scheme}://127.0.0.1:{canary.port}/"
    with pytest.raises(OutboundRefused, match="right is https://host"):
        Outbound(hosts=(f"127.0.0.1:{canary.port}",)).fetch(url)
    assert canary.hits == []
    assert Outbound(hosts=(f"127.0.0.1:{canary.port}",), allow_http=True).fetch(url).content == b"[1]"


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "https://127.0.0.1:{port}1/",
        "file:///etc/passwd",
        "http://data.example.org/",
        "//localhost:{port}/",
        "http://user@127.0.0.1:{port}/",
        "",
    ],
)
def test_s2_a_redirect_is_judged_as_any_address(
    location: str, canary: Canary, trusted: Callable[..., Outbound]
) -> None:
    canary.answers["/first"] = (302, {"Location": location.format(port=canary.port)}, b"")
    outbound = trusted("localhost", "data.example.org", "2130706433", "[::1]", resolve=lambda *_: ["127.0.0.1"])
    with pytest.raises(OutboundRefused):
        outbound.fetch(canary.url + "/first")
    # An empty one leads back to where it came from, and that only so often.
    assert {path for _, path, _, _ in canary.hits} == {"/first"}
    assert len(canary.hits) <= 4


def test_s2_a_name_that_leads_elsewhere_at_its_second_lookup_is_looked_up_once(canary: Canary) -> None:
    """Rebinding: the first answer is an open address, all later ones are the loopback."""
    answers = iter([[OPEN]])
    asked = list[str]()

    def fickle(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers, ["127.0.0.1"])

    called = list[tuple[str, int]]()

    def refuse(address: tuple[str, int], timeout: float) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", refuse)
        with pytest.raises(OutboundFailed, match="could not be reached"):
            Outbound(hosts=("data.example.org",), allow_http=True, resolve=fickle).fetch("http://data.example.org/")
    assert (asked, called, canary.hits) == (["data.example.org"], [(OPEN, 80)], [])


def test_s2_one_inner_address_among_open_ones_is_enough_to_refuse(canary: Canary) -> None:
    outbound = Outbound(hosts=("data.example.org",), allow_http=True, resolve=lambda *_: [OPEN, "10.0.0.1"])
    with pytest.raises(OutboundRefused, match="not on the open internet"):
        outbound.fetch("http://data.example.org/")


def test_s2_proxies_of_the_environment_do_not_count(
    canary: Canary, trusted: Callable[..., Outbound], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert trusted().fetch(canary.url).status == 200


def test_an_empty_list_lets_nothing_out(canary: Canary) -> None:
    with pytest.raises(OutboundRefused, match="none are fetched or called here"):
        Outbound(hosts=(), allow_http=True).fetch(canary.url)
    assert canary.hits == []


def test_a_refusal_names_the_host_that_was_given_and_not_those_of_the_list(canary: Canary) -> None:
    with pytest.raises(OutboundRefused) as caught:
        Outbound(hosts=("inner.example.org",)).target("https://elsewhere.example.org/a?token=1")
    assert "elsewhere.example.org" in caught.value.text.en
    assert "inner" not in caught.value.text.en + caught.value.text.fr
    assert "token" not in caught.value.text.en


def test_a_port_must_be_a_usual_one_unless_it_is_listed() -> None:
    outbound = Outbound(hosts=("data.example.org", "other.example.org:8443"))
    assert outbound.target("https://data.example.org/x?y=1").path == "/x?y=1"
    assert outbound.target("https://DATA.example.org.:443/").trusted is False
    assert outbound.target("https://other.example.org:8443/").trusted
    for refused in ("https://data.example.org:8443/", "https://other.example.org/"):
        with pytest.raises(OutboundRefused):
            outbound.target(refused)


def test_the_host_stays_in_the_request_and_nothing_secret_goes_along(
    canary: Canary, trusted: Callable[..., Outbound]
) -> None:
    outbound = trusted(f"data.example.org:{canary.port}", resolve=lambda *_: ["127.0.0.1"])
    assert outbound.fetch(f"http://data.example.org:{canary.port}/a?b=c").content == b"[1]"
    ((_, path, headers, _),) = canary.hits
    assert (path, headers["Host"]) == ("/a?b=c", f"data.example.org:{canary.port}")
    assert not {"Authorization", "Cookie", "Referer"} & set(headers)


def test_the_name_stays_in_the_handshake() -> None:
    said = list[bytes]()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            line, _ = listener.accept()
            with line:
                said.append(line.recv(4096))

        thread = threading.Thread(target=listen)
        thread.start()
        port = listener.getsockname()[1]
        outbound = Outbound(hosts=(f"data.example.org:{port}",), resolve=lambda *_: ["127.0.0.1"])
        with pytest.raises(OutboundFailed):
            outbound.fetch(f"https://data.example.org:{port}/")
        thread.join()
    assert b"data.example.org" in said[0]


def test_a_certificate_that_nobody_vouches_for_is_no_answer(canary: Canary) -> None:
    with pytest.raises(OutboundFailed):
        Outbound(hosts=(f"127.0.0.1:{canary.port}",)).fetch(f"https://127.0.0.1:{canary.port}/")
    assert canary.hits == []


def call(authority: Authority | None, certificate: ssl.SSLContext) -> tuple[int | OutboundFailed, Canary]:
    """Post to `https://data.example.org` at a canary that shows a certificate."""
    with singing(certificate) as canary:
        outbound = Outbound(
            hosts=(f"data.example.org:{canary.port}",),
            authorities=authority.path if authority else None,
            time_limit_s=5,
            resolve=lambda *_: ["127.0.0.1"],
        )
        try:
            return outbound.post(f"https://data.example.org:{canary.port}/done", b"{}", {}), canary
        except OutboundFailed as failed:
            return failed, canary


def test_a_host_that_an_authority_of_the_operator_vouches_for_is_called_by_its_name(authority: Authority) -> None:
    status, canary = call(authority, authority.vouch("data.example.org"))
    assert (status, canary.called_by) == (200, ["data.example.org"])
    ((method, path, headers, body),) = canary.hits
    assert (method, path, body) == ("POST", "/done", b"{}")
    assert headers["Host"] == f"data.example.org:{canary.port}"


def test_a_certificate_of_another_name_or_time_or_authority_is_refused(authority: Authority) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for trusted, certificate in (
        (authority, authority.vouch("other.example.org")),
        (authority, authority.vouch("127.0.0.1")),
        (authority, authority.vouch("data.example.org", not_before=yesterday - timedelta(days=1), not_after=yesterday)),
        (None, authority.vouch("data.example.org")),
    ):
        failed, canary = call(trusted, certificate)
        assert "could not be reached" in str(failed)
        assert canary.hits == []


@pytest.mark.parametrize(("content", "says"), [(None, "No such file"), ("no certificate", "holds no certificate")])
def test_authorities_that_cannot_be_read_are_said_at_the_start(tmp_path: Path, content: str | None, says: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=rf"GAIA_OUTBOUND_CA: .*ca\.pem cannot be used \(.*{says}"):
        open_outbound(Settings(home=tmp_path, outbound_ca=path))


def test_redirects_are_followed_three_times(canary: Canary, trusted: Callable[..., Outbound]) -> None:
    for number in range(4):
        canary.answers[f"/{number}"] = (307, {"Location": f"{number + 1}"}, b"")
    assert trusted().fetch(canary.url + "/1").content == b"[1]"
    with pytest.raises(OutboundFailed, match="redirects more than 3 times"):
        trusted().fetch(canary.url + "/0")


def test_a_callback_follows_no_redirect(canary: Canary, trusted: Callable[..., Outbound]) -> None:
    canary.answers["/0"] = (307, {"Location": "/1"}, b"")
    assert trusted().post(canary.url + "/0", b"{}", {"Content-Type": "application/json"}) == 307
    assert [(method, path, body) for method, path, _, body in canary.hits] == [("POST", "/0", b"{}")]


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_a_body_that_is_too_large_is_not_taken(
    headers: dict[str, str], canary: Canary, trusted: Callable[..., Outbound]
) -> None:
    content = b"x" * 11
    if headers:
        content = b"b\r\n" + content + b"\r\n0\r\n\r\n"
    canary.answers["/large"] = (200, headers, content)
    with pytest.raises(OutboundFailed, match="more than 10 bytes"):
        trusted(size_limit_bytes=10).fetch(canary.url + "/large")
    assert trusted(size_limit_bytes=11).fetch(canary.url + "/large").content == b"x" * 11


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {}, b""), "answered with status 404"),
        ((200, {"Content-Encoding": "gzip"}, b""), "compressed"),
        ((200, {"Content-Length": "9"}, b"123"), "broke off|did not answer"),
    ],
)
def test_an_answer_that_is_none_is_said_to_be_none(
    answer: tuple[int, dict[str, str], bytes], says: str, canary: Canary, trusted: Callable[..., Outbound]
) -> None:
    canary.answers["/x"] = answer
    with pytest.raises(OutboundFailed, match=says):
        trusted(time_limit_s=1).fetch(canary.url + "/x")


@contextmanager
def dripping(first: bytes) -> Iterator[int]:
    """Give the port of a server that sends one byte each 50 ms for ever."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            line, _ = listener.accept()
            with line:
                line.sendall(first)
                try:
                    while not stop.wait(0.05):
                        line.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"],
)
def test_whoever_drips_is_hung_up_on(first: bytes) -> None:
    with dripping(first) as port:
        outbound = Outbound(hosts=(f"127.0.0.1:{port}",), allow_http=True, time_limit_s=0.3)
        start = time.monotonic()
        with pytest.raises(OutboundFailed, match=r"did not answer within 0\.3 s|broke off"):
            outbound.fetch(f"http://127.0.0.1:{port}/")
        assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "address", [OPEN, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_open_addresses_are_open(address: str) -> None:
    assert is_open(address)


@pytest.mark.parametrize(
    "address", ["", "host", "ff0e::1", "fec0::1", "3fff::1", "2001:db8::1", "240.0.0.1", "198.18.0.1"]
)
def test_other_addresses_are_not(address: str) -> None:
    assert not is_open(address)


def test_what_is_shown_of_an_address_holds_no_secret() -> None:
    assert shown("https://a:b@c.org/d?e=f#g") == "'https://…@c.org/d'"
    assert len(shown("x" * 5000)) < 100
    assert shown(5) == "'5'"


_UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, socket, sys, time
from gaia_server.outbound import Outbound, OutboundFailed
port, silent = int(sys.argv[1]), socket.create_server(("127.0.0.1", 0))
deaf = silent.getsockname()[1]
outbound = Outbound(hosts=[f"127.0.0.1:{port}", f"127.0.0.1:{deaf}"], allow_http=True, time_limit_s=0.5)
def hang():
    try:
        outbound.fetch(f"http://127.0.0.1:{deaf}/")
    except OutboundFailed as failed:
        return str(failed)
hanging = [gevent.spawn(hang) for _ in range(20)]
gevent.sleep(0.05)
start = time.monotonic()
print(outbound.fetch(f"http://127.0.0.1:{port}/").content, time.monotonic() - start < 0.4)
gevent.joinall(hanging)
print({each.value.split("did not")[1] for each in hanging}, time.monotonic() - start < 3)
"""


def test_a_host_that_hangs_holds_no_greenlet_up_but_its_own(canary: Canary) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _UNDER_GEVENT, str(canary.port)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["b'[1]' True", "{' answer within 0.5 s.'} True"], done.stderr

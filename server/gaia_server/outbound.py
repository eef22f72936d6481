"""
The one door by which the server calls others: inputs by reference, and callbacks.

Where a call may go is decided twice. `Outbound.target` looks at the address as it is written: scheme, host on the list,
port. `_addresses` then resolves the host once, looks at every address that comes out, and the connection goes to that
very address, so that a second look-up cannot lead elsewhere. A redirect is a new address and goes through both. Nothing
of the environment counts: no proxies, no credentials, no cookies.
"""

import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings
from gaia_processes.text import Text

PORTS = {"https": 443, "http": 80}
MOST_REDIRECTS = 3
PIECE_BYTES = 64 * 1024
LONGEST_ADDRESS = 2000
LEAST_LEFT_S = 0.001

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?\.?", re.ASCII)
_NOT_IN_ADDRESSES = re.compile(r"[^\x21-\x7e]|[\\\"<>^`{|}]")
_SHOWN = 80

_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
"""All that is given out on the internet; `ipaddress` also calls global what is reserved, and what gateways translate."""
_DOCUMENTATION = IPv6Network("3fff::/20")

type Resolve = Callable[[str, int], Sequence[str]]


class OutboundRefused(Exception):
    """
    A call that must not be made; nothing was sent.

    Attributes
    ----------
    text : Text
        What was wrong with the address as it was given, and what would be right. Says nothing of what lies behind it.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class OutboundFailed(OutboundRefused):
    """A call that was made, or begun, and brought nothing that can be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """
    An address that may be called.

    Attributes
    ----------
    trusted : bool
        The configuration names this host with this port: its address is not judged.
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str
    trusted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back."""

    status: int
    media_type: str
    content: bytes


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class Outbound:
    """
    Calls others, where the configuration lets it.

    Parameters
    ----------
    hosts : sequence of str
        The list: `host` for the usual ports at global addresses, `host:port` for exactly that, wherever it leads.
    allow_http : bool
        Whether unencrypted calls are allowed.
    authorities : Path, optional
        Certificates (PEM) by which hosts may be known, beside those that the machine trusts.
    time_limit_s : float
        From the first look-up to the last byte, redirects included.
    size_limit_bytes : int
        Largest body that is taken.
    resolve : callable
        (host, port) -> addresses as text.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[str],
        allow_http: bool = False,
        authorities: Path | None = None,
        time_limit_s: float = 10.0,
        size_limit_bytes: int = 2 * 2**20,
        resolve: Resolve = resolve,
    ) -> None:
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)
        self._schemes = ("https", "http") if allow_http else ("https",)
        self._authorities = authorities
        self._time_limit_s = time_limit_s
        self._size_limit_bytes = size_limit_bytes
        self._resolve = resolve

    @property
    def time_limit_s(self) -> float:
        """How long an answer may take."""
        return self._time_limit_s

    def target(self, url: object) -> Target:
        """
        Judge an address as it is written; nothing is looked up.

        Raises
        ------
        OutboundRefused
            If it may not be called.
        """
        if not isinstance(url, str) or not 0 < len(url) <= LONGEST_ADDRESS or _NOT_IN_ADDRESSES.search(url):
            raise self._refuse(url, "is not a web address", "n'est pas une adresse web")
        parts, port = self._split(url)
        if parts.scheme not in self._schemes:
            raise self._refuse(url, "does not begin in an allowed way", "ne commence pas comme il faut")
        host = (parts.hostname or "").rstrip(".")
        if "@" in parts.netloc or not (_HOST.fullmatch(host) or _is_ipv6(host)):
            raise self._refuse(url, "does not name a plain host", "ne nomme pas simplement un hôte")
        port = port or PORTS[parts.scheme]
        named = f"[{host}]" if ":" in host else host
        trusted = f"{named}:{port}" in self._hosts
        if not trusted and named not in self._hosts:
            raise self._refuse(
                url, f"names the host {named}, which is not allowed", f"nomme l'hôte {named}, qui n'est pas autorisé"
            )
        if not trusted and port not in PORTS.values():
            raise self._refuse(url, f"names the port {port}", f"nomme le port {port}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(url=url, scheme=parts.scheme, host=host, port=port, path=path, trusted=trusted)

    def fetch(self, url: object, *, time_limit_s: float | None = None) -> Answer:
        """
        Get what lies at an address, over at most three redirects.

        Parameters
        ----------
        time_limit_s : float, optional
            Where less time is left than usual.

        Raises
        ------
        OutboundRefused
            If it, or where it redirects to, may not be called.
        OutboundFailed
            If it answers too late, too much, or not with success.
        """
        limit_s = self._time_limit_s if time_limit_s is None else min(self._time_limit_s, time_limit_s)
        target, end = self.target(url), time.monotonic() + limit_s
        headers = {"Accept": "application/json, */*;q=0.1", "Accept-Encoding": "identity"}
        for _ in range(MOST_REDIRECTS + 1):
            with self._open(target, "GET", None, headers, end) as answer:
                if answer.status not in _REDIRECTS:
                    return self._take(target, answer, end)
                target = self.target(urljoin(target.url, answer.headers.get("Location", "")))
        raise OutboundFailed(
            Text(
                en=f"{shown(url)} redirects more than {MOST_REDIRECTS} times.",
                fr=f"{shown(url)} redirige plus de {MOST_REDIRECTS} fois.",
            )
        )

    def post(self, url: object, body: bytes, headers: Mapping[str, str]) -> int:
        """
        Send a body and give the status of the answer; redirects are not followed, and the answer is not read.

        Raises
        ------
        OutboundRefused
            If the address may not be called.
        OutboundFailed
            If it does not answer in time.
        """
        target, end = self.target(url), time.monotonic() + self._time_limit_s
        with self._open(target, "POST", body, headers, end) as answer:
            return answer.status

    def _split(self, url: str) -> tuple[SplitResult, int | None]:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise self._refuse(url, "is not a web address", "n'est pas une adresse web") from None
        return parts, port

    @contextmanager
    def _open(
        self, target: Target, method: str, body: bytes | None, headers: Mapping[str, str], end: float
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request to the one address that the host has now, and give the answer, not read yet."""
        trust = _trust(self._authorities) if target.scheme == "https" else None
        connection = _Pinned(target, self._addresses(target), trust, end)
        try:
            with _hung_up(connection, end):
                connection.request(method, target.path, body, {"User-Agent": "gaia", "Connection": "close", **headers})
                answer = connection.getresponse()
                yield answer
        except (OSError, http.client.HTTPException, ValueError):
            raise self._no_answer(target, end) from None
        finally:
            connection.close()

    def _addresses(self, target: Target) -> list[str]:
        """Resolve the host, and refuse it if any of its addresses is not on the open internet."""
        try:
            found = list(self._resolve(target.host, target.port))
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise OutboundFailed(
                Text(
                    en=f"The host {target.host} of {shown(target.url)} is not known.",
                    fr=f"L'hôte {target.host} de {shown(target.url)} n'est pas connu.",
                )
            )
        if not target.trusted and not all(is_open(address) for address in found):
            raise self._refuse(
                target.url,
                "leads to an address that is not on the open internet",
                "mène à une adresse hors de l'internet ouvert",
            )
        return found

    def _take(self, target: Target, answer: http.client.HTTPResponse, end: float) -> Answer:
        """Read an answer, as long as it is one, and no more than is allowed."""
        where = shown(target.url)
        if answer.status != http.HTTPStatus.OK:
            raise OutboundFailed(
                Text(en=f"{where} answered with status {answer.status}.", fr=f"{where} a répondu {answer.status}.")
            )
        if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise OutboundFailed(
                Text(en=f"{where} answered in a compressed form.", fr=f"{where} a répondu sous forme compressée.")
            )
        content = bytearray()
        while piece := answer.read1(PIECE_BYTES):
            content += piece
            if len(content) > self._size_limit_bytes:
                limit = self._size_limit_bytes
                raise OutboundFailed(
                    Text(en=f"{where} has more than {limit} bytes.", fr=f"{where} a plus de {limit} octets.")
                )
        if answer.length or time.monotonic() >= end:
            raise self._no_answer(target, end)
        return Answer(status=answer.status, media_type=answer.headers.get_content_type(), content=bytes(content))

    def _no_answer(self, target: Target, end: float) -> OutboundFailed:
        where = shown(target.url)
        if time.monotonic() >= end:
            limit = f"{self._time_limit_s:g} s"
            return OutboundFailed(
                Text(en=f"{where} did not answer within {limit}.", fr=f"{where} n'a pas répondu en {limit}.")
            )
        return OutboundFailed(
            Text(en=f"{where} could not be reached, or broke off.", fr=f"{where} est injoignable, ou s'est interrompu.")
        )

    def _refuse(self, url: object, en: str, fr: str) -> OutboundRefused:
        schemes = " or ".join(f"{scheme}://" for scheme in self._schemes)
        if not self._hosts:
            right_en, right_fr = "none are fetched or called here", "aucune n'est appelée ici"
        else:
            right_en = f"right is {schemes}host/…, at a host that the operator of this service allows"
            right_fr = (
                f"il faut {schemes.replace(' or ', ' ou ')}hôte/…, chez un hôte autorisé par l'exploitant du service"
            )
        return OutboundRefused(Text(en=f"{shown(url)} {en}; {right_en}.", fr=f"{shown(url)} {fr} ; {right_fr}."))


@cache
def _trust(authorities: Path | None) -> ssl.SSLContext:
    """Read the certificates of this machine, once and not before somebody is called: it takes a while."""
    context = ssl.create_default_context()
    if authorities is not None:
        context.load_verify_locations(authorities)
    return context


def open_outbound(settings: Settings) -> Outbound:
    """
    Make it as the settings say.

    Raises
    ------
    ConfigurationError
        If there are no certificates where the settings say so.
    """
    if settings.outbound_ca is not None:
        _check_authorities(settings.outbound_ca)
    return Outbound(
        authorities=settings.outbound_ca,
        hosts=settings.outbound_hosts,
        allow_http=settings.outbound_http,
        time_limit_s=settings.outbound_limit_s,
        size_limit_bytes=settings.reference_limit,
    )


def _check_authorities(path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:  # what is no certificate is an error of the system's too
        reason = "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(
            f"GAIA_OUTBOUND_CA: {path} cannot be used ({reason}); name a file of certificates in PEM, or leave it out"
        ) from None


class _Pinned(http.client.HTTPConnection):
    """
    A connection to an address that was resolved before; the host's name stays in `Host` and in the TLS handshake.

    Every wait ends at `end`, on the clock of `time.monotonic`.
    """

    def __init__(self, target: Target, addresses: Sequence[str], context: ssl.SSLContext | None, end: float) -> None:
        super().__init__(target.host, target.port)
        # `Host` names the port only where it is not the scheme's own.
        self.default_port = PORTS[target.scheme]
        self._target = target
        self._addresses = addresses
        self._context = context
        self._end = end
        self.line: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the first of the addresses that takes us."""
        problem: OSError | None = None
        for address in self._addresses:
            try:
                self.sock = socket.create_connection((address, self._target.port), timeout=_left(self._end))
                break
            except OSError as error:
                problem = error
        else:
            raise problem or ConnectionError
        if self._context is not None:
            self.sock.settimeout(_left(self._end))
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self._target.host)
        self.sock.settimeout(_left(self._end))
        self.line = self.sock  # the library forgets it before the answer is read


@contextmanager
def _hung_up(connection: _Pinned, end: float) -> Iterator[None]:
    """Hang up when the time is over: a timeout alone begins again with each byte that drips."""

    def hang_up() -> None:
        if connection.line is not None:
            with suppress(OSError):
                connection.line.shutdown(socket.SHUT_RDWR)

    clock = threading.Timer(_left(end), hang_up)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def is_open(address: str) -> bool:
    """
    Tell whether an address is one of the open internet.

    An IPv4 address in the clothes of IPv6 (mapped, 6to4, NAT64) is judged as what it is.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        found = _unwrap(found)
    if isinstance(found, IPv6Address) and (found not in _UNICAST or found in _DOCUMENTATION):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _unwrap(address: IPv6Address) -> IPv4Address | IPv6Address:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_ipv6(host: str) -> bool:
    try:
        return isinstance(ip_address(host), IPv6Address) and "%" not in host
    except ValueError:
        return False


def _left(end: float) -> float:
    return max(end - time.monotonic(), LEAST_LEFT_S)


def shown(url: Any) -> str:
    """Write an address for a sentence: without what may be secret in it, and not too long."""
    text = url if isinstance(url, str) else json.dumps(url, default=str)
    bare = re.sub(r"//[^/?#@]*@", "//…@", text.partition("?")[0].partition("#")[0])
    printable = "".join(sign if sign.isprintable() else "?" for sign in bare.encode(errors="replace").decode())
    return repr(printable if len(printable) <= _SHOWN else printable[:_SHOWN] + "…")

"""Inputs by reference: what a request names by address is fetched, and judged from there on like any other value."""

import time
from collections.abc import Callable, Container, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.http import parse_options_header

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import BadValue, make_fault, show
from gaia_server.bodies import parse_json
from gaia_server.errors import BadJson
from gaia_server.outbound import Answer, Outbound, OutboundRefused, shown

MOST_REFERENCES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """
    The inputs of a request without references.

    Attributes
    ----------
    inputs : object
        As they were sent, values in the place of references.
    faults : tuple of Fault
        What was wrong with references.
    absent : frozenset of str
        Inputs that are left out, for they were not followed.
    """

    inputs: Any
    faults: tuple[Fault, ...] = ()
    absent: frozenset[str] = frozenset()

    def missing_aside(self, faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
        """Leave out what is only wrong because an input could not be fetched; it was said why."""
        return tuple(fault for fault in faults if fault.input not in self.absent)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a reference stands: an input, or an item of one."""

    name: str
    item: int | None
    link: Mapping[str, Any]

    @property
    def pointer(self) -> str:
        name = self.name.replace("~", "~0").replace("/", "~1")
        return f"/inputs/{name}" if self.item is None else f"/inputs/{name}/{self.item}"


type Keeps = Callable[[str, bytes, str], str]
"""Keeps a file for an input (its name, the bytes, the address), and gives what names it; raises `NotKept`."""


class NotKept(Exception):
    """
    An input takes no files, or not this one.

    Attributes
    ----------
    fault : Fault or None
        What is wrong with the file; None where no file is taken at all.
    """

    def __init__(self, fault: Fault | None) -> None:
        super().__init__()
        self.fault = fault


class References:
    """
    Follows references.

    Parameters
    ----------
    outbound : Outbound
        The only way out.
    max_depth : int
        Deepest nesting of a value.
    """

    def __init__(self, outbound: Outbound, *, max_depth: int) -> None:
        self._outbound = outbound
        self._max_depth = max_depth

    def follow(self, inputs: object, known: Container[str], keep: Keeps | None = None) -> Followed:
        """
        Fetch what stands as `{"href": ..., "type": ...}` in the place of an input, or of an item of an array.

        Nothing is fetched where any of the addresses may not be called.

        Parameters
        ----------
        inputs : object
            The member `inputs` of a request.
        known : container of str
            Names of the inputs that there are; others are left as they are.
        keep : callable, optional
            Keeps what is neither JSON nor text, where an input takes files.
        """
        places = _places(inputs, known)
        if not places or not isinstance(inputs, Mapping):
            return Followed(inputs=inputs)
        faults = self._refused(places)
        if faults:
            return _without(inputs, {place.name for place in places}, faults)
        return self._fetch(inputs, places, keep)

    def _refused(self, places: tuple[_Place, ...]) -> tuple[Fault, ...]:
        faults = list[Fault]()
        for place in places[:MOST_REFERENCES]:
            try:
                self._outbound.target(place.link["href"])
            except OutboundRefused as refused:
                faults.append(_fault(place, refused))
        if len(places) > MOST_REFERENCES:
            faults.append(_too_many(places))
        return tuple(faults)

    def _fetch(self, inputs: Mapping[str, Any], places: tuple[_Place, ...], keep: Keeps | None) -> Followed:
        end, faults, values = time.monotonic() + self._outbound.time_limit_s, list[Fault](), dict(inputs)
        for place in places:
            try:
                answer = self._outbound.fetch(place.link["href"], time_limit_s=max(end - time.monotonic(), 0.0))
                value = self._read(place, answer, keep)
            except OutboundRefused as refused:
                faults.append(_fault(place, refused))
            except BadValue as bad:
                faults += [replace(each, input=place.name, pointer=place.pointer) for each in bad.faults]
            else:
                values[place.name] = _put(values[place.name], place, value)
        return _without(values, {fault.input for fault in faults}, tuple(faults))

    def _read(self, place: _Place, answer: Answer, keep: Keeps | None) -> Any:
        """Read what was fetched by the type that the request gives it, else by its own."""
        named = place.link.get("type")
        kind = named if isinstance(named, str) and named else answer.media_type
        bare = kind.partition(";")[0].strip().lower()
        try:
            if bare == "application/json" or bare.endswith("+json"):
                return parse_json(answer.content, max_depth=self._max_depth)
            if bare.startswith("text/"):
                return answer.content.decode(charset_of(kind))
        except BadJson as bad:
            raise BadValue.of(
                f"What lies at {shown(place.link['href'])} is not right: {bad.text.en}",
                f"Ce qui est à {shown(place.link['href'])} n'est pas correct : {bad.text.fr}",
                given=shown(place.link["href"]),
            ) from None
        except UnicodeDecodeError as error:
            raise BadValue.of(
                f"What lies at {shown(place.link['href'])} is not {error.encoding.upper()}: byte {error.start} in row {_row(error)} "
                "cannot be read. Name its encoding in the type, as text/csv; charset=iso-8859-1.",
                f"Ce qui est à {shown(place.link['href'])} n'est pas en {error.encoding.upper()} : l'octet {error.start}, ligne "
                f"{_row(error)}, est illisible. Indiquez son encodage dans le type, comme text/csv; charset=iso-8859-1.",
                given=shown(place.link["href"]),
            ) from None
        kept = None if keep is None else _kept(keep, place, answer)
        if kept is not None:
            return kept
        raise BadValue.of(
            f"A value of the type {show(bare)} is not read by reference; right are JSON and text. "
            "Name the type in the reference where the host says another.",
            f"Une valeur du type {show(bare)} n'est pas lue par référence ; il faut du JSON ou du texte. "
            "Indiquez le type dans la référence si l'hôte en annonce un autre.",
            given=bare,
            allowed=("application/json", "application/geo+json", "text/plain"),
        )


def charset_of(kind: str) -> str:
    """
    Find the encoding that a media type names: by `charset`, or by `encoding`; UTF-8 without.

    Raises
    ------
    BadValue
        If it is not known.
    """
    parameters = parse_options_header(kind)[1]
    named = parameters.get("charset") or parameters.get("encoding") or "utf-8"
    try:
        "".encode(named)
    except (LookupError, ValueError):
        raise BadValue.of(
            f"The encoding {show(named)} is not known; right are for example utf-8, iso-8859-1, windows-1252.",
            f"L'encodage {show(named)} n'est pas connu ; il faut par exemple utf-8, iso-8859-1, windows-1252.",
            given=named,
        ) from None
    return named


def _row(error: UnicodeDecodeError) -> int:
    return error.object[: error.start].count(b"\n") + 1


def _kept(keep: Keeps, place: _Place, answer: Answer) -> str | None:
    """Keep a file; None where the input takes none."""
    try:
        return keep(place.name, answer.content, shown(place.link["href"]))
    except NotKept as refused:
        if refused.fault is None:
            return None
        raise BadValue([refused.fault]) from None


def _places(inputs: object, known: Container[str]) -> tuple[_Place, ...]:
    if not isinstance(inputs, Mapping):
        return ()
    found = list[_Place]()
    for name, value in inputs.items():
        if name not in known:
            continue
        if _is_reference(value):
            found.append(_Place(name=name, item=None, link=value))
        elif isinstance(value, list):
            items = ((item, each) for item, each in enumerate(value) if _is_reference(each))
            found += [_Place(name=name, item=item, link=each) for item, each in items]
    return tuple(found)


def _is_reference(value: object) -> bool:
    return isinstance(value, Mapping) and "href" in value


def _put(value: Any, place: _Place, fetched: Any) -> Any:
    """Put what was fetched in the place of its reference; an array by a single reference is the whole array."""
    if place.item is None or (len(value) == 1 and isinstance(fetched, list)):
        return fetched
    return [*value[: place.item], fetched, *value[place.item + 1 :]]


def _without(inputs: Mapping[str, Any], absent: AbstractSet[str], faults: tuple[Fault, ...]) -> Followed:
    rest = {name: value for name, value in inputs.items() if name not in absent}
    return Followed(inputs=rest, faults=faults, absent=frozenset(absent))


def _fault(place: _Place, refused: OutboundRefused) -> Fault:
    fault = make_fault(refused.text.en, refused.text.fr, given=shown(place.link["href"]))
    return replace(fault, input=place.name, pointer=f"{place.pointer}/href")


def _too_many(places: tuple[_Place, ...]) -> Fault:
    first = places[MOST_REFERENCES]
    fault = make_fault(
        f"{len(places)} references were given; at most {MOST_REFERENCES} are followed.",
        f"{len(places)} références ont été données ; au plus {MOST_REFERENCES} sont suivies.",
        given=len(places),
    )
    return replace(fault, input=first.name, pointer=first.pointer)

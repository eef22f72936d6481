"""The shapes in which results are given: raw, several in one message, as a document, or as links."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Request, Response

from gaia_processes.inputs.bbox import CRS84, CRS84H
from gaia_processes.text import Text
from gaia_server.demands import transmission_of
from gaia_server.errors import JobFailed, NoSuchOutput, ResultGone, ResultNotReady
from gaia_server.jobs.records import Job, RequestedOutput, Transmission
from gaia_server.jobs.states import State
from gaia_server.negotiation import wants_json
from gaia_server.preference import Preference
from gaia_server.rendering import make_link, render_empty, render_json, render_time
from gaia_server.results import ResultFiles, render_file
from gaia_server.status import job_url, side_name
from gaia_workers.contract import OutputFile, Result, utc_now
from gaia_workers.downloads import Pieces, content_type, digest_header

BY_VALUE_LIMIT_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One output that was asked for and made: how it was asked for, what it is, where it is found."""

    transmission: Transmission | None
    file: OutputFile
    href: str

    @property
    def by_reference(self) -> bool:
        """Whether only its address goes into a raw answer."""
        return self.transmission == "reference"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """
    What an answer is made with.

    Attributes
    ----------
    direct : bool
        Whether it answers the execute request itself, and not a later one for the results.
    redirect_above_bytes : int or None
        A larger raw file is answered with an address at its centre; None for never.
    """

    request: Request
    files: ResultFiles
    base_url: str
    direct: bool
    redirect_above_bytes: int | None = None


def require_result(job: Job) -> Result:
    """
    Get what a job made.

    Raises
    ------
    ResultNotReady, ResultGone, JobFailed
        If it made nothing, or has nothing to give any more.
    """
    if job.state is State.DISMISSED or job.results_removed:
        raise ResultGone
    if job.state is State.SUCCESSFUL and not job.has_results(utc_now()):
        raise ResultGone
    if job.failure is not None and job.state is State.FAILED:
        raise JobFailed(
            Text(en=job.failure.words.en, fr=job.failure.words.fr),
            code=job.failure.code,
            job_id=job.id,
            centre=job.centre,
            attempt=job.attempt,
        )
    if job.result is None:
        raise ResultNotReady
    return job.result


def find_file(job: Job, name: str) -> OutputFile:
    """
    Find an output by its id, its id with an ending (`data.nc`), or the name of its file; or a file beside it.

    Raises
    ------
    NoSuchOutput
        If the job has none of that name.
    """
    result = require_result(job)
    for file in result.outputs:
        ending = "." + file.name.rpartition(".")[2]
        if name in (file.output, file.output + ending, file.name):
            return file
    for side in result.sides:
        if name in (side_name(side), side.name):
            return side
    raise NoSuchOutput(name, known=[file.output for file in result.outputs])


def render_results(job: Job, answering: Answering) -> Response:
    """
    Answer with the results of a job, in the shape that its request and this one ask for.

    The shape of a raw answer counts the outputs that were requested, not those that were made; where none of them was made,
    there is no content (docs/decisions: outputs that were not made).

    Raises
    ------
    ResultNotReady, ResultGone, JobFailed
        As `require_result`.
    """
    parts = _parts(job, require_result(job), answering)
    requested = job.demand.outputs
    if not requested:
        return render_json({})
    if _as_document(job, answering):
        response = _with_digest(_document(job, parts, answering))
        if not answering.direct and _all_by_reference(job, answering):
            _add_links(response, parts)
        return response
    if not parts or _all_by_reference(job, answering):
        response = render_empty(HTTPStatus.NO_CONTENT)
        _add_links(response, parts)
        return response
    if len(requested) == 1:
        return render_file(
            answering.request,
            answering.files,
            job,
            parts[0].file,
            redirect_above_bytes=answering.redirect_above_bytes,
        )
    return _multipart(job, parts, answering)


def results_document(job: Job, files: ResultFiles, base_url: str) -> dict[str, Any]:
    """
    Write the results of a job as a document by output id, outside of any request.

    Raises
    ------
    ResultNotReady, ResultGone, JobFailed
        As `require_result`.
    """
    made = {file.output: file for file in require_result(job).outputs}
    parts = [
        Part(transmission=wish.transmission, file=made[wish.id], href=result_url(base_url, job.id, wish.id))
        for wish in job.demand.outputs
        if wish.id in made
    ]
    return {part.file.output: _member(job, part, files) for part in parts}


def result_url(base_url: str, job_id: str, output: str) -> str:
    """Give the address of one output."""
    return f"{job_url(base_url, job_id)}/results/{quote(output, safe='')}"


def _parts(job: Job, result: Result, answering: Answering) -> tuple[Part, ...]:
    files = {file.output: file for file in result.outputs}
    return tuple(
        Part(
            transmission=_transmission(job, wish, answering),
            file=files[wish.id],
            href=result_url(answering.base_url, job.id, wish.id),
        )
        for wish in job.demand.outputs
        if wish.id in files
    )


def _transmission(job: Job, wish: RequestedOutput, answering: Answering) -> Transmission | None:
    """As it was asked for; where nothing was said, a later `Prefer: return=` may choose."""
    if wish.transmission is not None or job.demand.response is not None or answering.direct:
        return wish.transmission
    return transmission_of(Preference.parse(answering.request.headers.getlist("Prefer")).returns)


def _all_by_reference(job: Job, answering: Answering) -> bool:
    """Tell how the outputs were asked for, whatever was made of them: of what was not made nothing else is known."""
    return all(_transmission(job, wish, answering) == "reference" for wish in job.demand.outputs)


def _as_document(job: Job, answering: Answering) -> bool:
    if job.demand.response is not None:
        return job.demand.response == "document"
    if answering.direct:
        return False
    return wants_json(answering.request) or (not job.synchronous and _all_by_reference(job, answering))


def _document(job: Job, parts: Sequence[Part], answering: Answering) -> Response:
    return render_json({part.file.output: _member(job, part, answering.files) for part in parts})


def _member(job: Job, part: Part, files: ResultFiles) -> Any:
    if not _goes_by_value(part):
        return _link_object(job, part)
    value = _value(job, part.file, files)
    if isinstance(value, dict) and not _is_box(value):
        return {"value": value, "mediaType": part.file.media_type}
    return value


def _is_box(value: dict[str, Any]) -> bool:
    """Tell whether an object is a box that the standard's schemas know: the one kind of object that goes unwrapped."""
    return "bbox" in value and set(value) <= {"bbox", "crs"} and value.get("crs", CRS84) in (CRS84, CRS84H)


def _goes_by_value(part: Part) -> bool:
    """JSON and plain text as they are, other text where the request says so; files, and whatever is large, as links."""
    if part.by_reference or part.file.size_bytes > BY_VALUE_LIMIT_BYTES:
        return False
    kind = part.file.media_type.partition(";")[0]
    return _is_json(kind) or kind == "text/plain" or (part.transmission == "value" and kind.startswith("text/"))


def _is_json(kind: str) -> bool:
    return kind == "application/json" or kind.endswith("+json")


def _value(job: Job, file: OutputFile, files: ResultFiles) -> Any:
    if file.value is not None:
        return file.value
    text = b"".join(files.open(job, file)).decode()
    return json.loads(text) if _is_json(file.media_type.partition(";")[0]) else text


def _link_object(job: Job, part: Part) -> dict[str, Any]:
    expires = {"gaia:expires": render_time(job.expires)} if job.expires else {}
    return {
        "href": part.href,
        "type": part.file.media_type,
        "title": part.file.name,
        "gaia:sha256": part.file.sha256,
        "gaia:sizeBytes": part.file.size_bytes,
        **expires,
    }


def _add_links(response: Response, parts: Sequence[Part]) -> None:
    for part in parts:
        link = make_link(part.href, part.file.output, part.file.media_type)
        response.headers.add("Link", f'<{link["href"]}>; rel="{link["rel"]}"; type="{link["type"]}"')


def _multipart(job: Job, parts: Sequence[Part], answering: Answering) -> Response:
    """Several outputs in one message (RFC 2387), each a part with its own media type and digest."""
    digests = "".join(part.href if part.by_reference else part.file.sha256 for part in parts)
    boundary = f"gaia-{hashlib.sha256(digests.encode()).hexdigest()[:32]}"  # the same parts make the same bytes
    message_type = f'multipart/related; boundary={boundary}; type="{parts[0].file.media_type}"'
    small = sum(part.file.size_bytes for part in parts if not part.by_reference) <= BY_VALUE_LIMIT_BYTES
    pieces = _multipart_pieces(job, parts, boundary, answering.files)
    if small:
        return _with_digest(Response(b"".join(pieces), content_type=message_type))
    return Response(pieces, content_type=message_type)


def _multipart_pieces(job: Job, parts: Sequence[Part], boundary: str, files: ResultFiles) -> Pieces:
    """Open every file before the first byte goes out: what cannot be opened is a problem then, not half an answer."""
    with ExitStack() as opening:
        bodies = [None if part.by_reference else opening.enter_context(files.open(job, part.file)) for part in parts]
        opened = opening.pop_all()

    def pieces() -> Iterator[bytes]:
        for number, (part, body) in enumerate(zip(parts, bodies, strict=True)):
            head = [f"--{boundary}", *_part_headers(part), "", ""]
            yield ("\r\n" * (number > 0) + "\r\n".join(head)).encode()
            yield from body or ()
        yield f"\r\n--{boundary}--\r\n".encode()

    return Pieces(pieces(), opened.close)


def _part_headers(part: Part) -> tuple[str, ...]:
    common = (f"Content-Type: {content_type(part.file.media_type)}", f"Content-ID: {part.file.output}")
    if part.by_reference:
        return (*common, f"Content-Location: {part.href}")
    return (
        *common,
        f"Repr-Digest: {digest_header(part.file.sha256)}",
    )


def _with_digest(response: Response) -> Response:
    response.headers["Repr-Digest"] = digest_header(hashlib.sha256(response.get_data()).hexdigest())
    return response

"""`/store`: where centres deliver the results that they push, and fetch what their works need; not for users."""

import sys
from http import HTTPStatus
from typing import BinaryIO, cast

from flask import Blueprint, Response, request, send_file

from gaia_server.errors import NoSuchUpload, ResultGone
from gaia_server.jobs.records import Keeping
from gaia_server.push import Claim, Piece
from gaia_server.rendering import render_empty
from gaia_server.services import current_services

routes = Blueprint("deliveries", __name__)


@routes.route("/store/<path:location>", methods=["HEAD"])
def show_offset(location: str) -> Response:
    """Say how much of a file has arrived."""
    return _render(current_services().deliveries.offset(_claim(location)), HTTPStatus.OK)


@routes.put("/store/<path:location>")
def take_delivery(location: str) -> Response:
    """Take a file, or a piece of it."""
    request.max_content_length = sys.maxsize  # results are large; without a claim that holds nothing is read
    claim = _claim(location)
    piece = Piece.read(request.headers)
    arrived = current_services().deliveries.take(claim, piece, cast("BinaryIO", request.stream))
    complete = arrived == piece.total_bytes
    return _render(arrived, HTTPStatus.CREATED if complete else HTTPStatus.OK)


@routes.get("/store/uploads/<upload_id>/<job_id>/<int:attempt>")
def give_upload(upload_id: str, job_id: str, attempt: int) -> Response:
    """Give a file of a user to the centre that has an order for it, for as long as that attempt is wanted."""
    services = current_services()
    claim = _claim(f"uploads/{upload_id}/{job_id}/{attempt}")
    services.deliveries.check(claim, method="GET", job_id=job_id, attempt=attempt)
    work = services.store.work(job_id)
    if work is None or upload_id not in {upload.id for upload in work.uploads}:
        raise NoSuchUpload
    try:
        return send_file(services.uploads.path(upload_id), mimetype="application/octet-stream", conditional=True)
    except FileNotFoundError:
        raise NoSuchUpload from None


@routes.get("/store/parts/<part_id>/<job_id>/<int:attempt>")
def give_part(part_id: str, job_id: str, attempt: int) -> Response:
    """Give what a part made ready to the centre that does the whole, or say where its centre gives it."""
    services = current_services()
    claim = _claim(f"parts/{part_id}/{job_id}/{attempt}")
    services.deliveries.check(claim, method="GET", job_id=job_id, attempt=attempt)
    part = services.store.work(part_id)
    if part is None or part.whole != job_id or part.result is None or part.keeping is not Keeping.KEPT:
        raise ResultGone
    (file,) = part.result.outputs
    there = services.files.address(part, file)
    if there is not None:
        return render_empty(HTTPStatus.TEMPORARY_REDIRECT, {"Location": there, "Cache-Control": "no-store"})
    headers = {"Content-Length": str(file.size_bytes), "Cache-Control": "no-store"}
    pieces = services.files.open(part, file)
    return Response(pieces, headers=headers, content_type="application/octet-stream")


def _claim(location: str) -> Claim:
    return Claim(
        centre=request.headers.get("Gaia-Centre", ""),
        location=location,
        expires=request.args.get("expires", ""),
        signature=request.args.get("signature", ""),
    )


def _render(offset: int, status: HTTPStatus) -> Response:
    return render_empty(status, {"Gaia-Offset": str(offset), "Cache-Control": "no-store"})

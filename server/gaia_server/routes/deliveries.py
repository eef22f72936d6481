"""`/store`: where centres that push deliver their results; not for users."""

import sys
from http import HTTPStatus
from typing import BinaryIO, cast

from flask import Blueprint, Response, request

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


def _claim(location: str) -> Claim:
    return Claim(
        centre=request.headers.get("Gaia-Centre", ""),
        location=location,
        expires=request.args.get("expires", ""),
        signature=request.args.get("signature", ""),
    )


def _render(offset: int, status: HTTPStatus) -> Response:
    return render_empty(status, {"Gaia-Offset": str(offset), "Cache-Control": "no-store"})

"""`/uploads`: a user's own files, to be named in requests as `upload:<uuid>`."""

import re
import sys
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from gaia_processes.text import Text
from gaia_server.bodies import BROKEN
from gaia_server.errors import NoSuchUpload, UploadRefused, WrongMediaType
from gaia_server.fitting import takers_of_kind
from gaia_server.identity import identify
from gaia_server.negotiation import language_of, wants_html
from gaia_server.origin import check_same_origin
from gaia_server.pages.here import Step, path_of
from gaia_server.pages.page import render_page
from gaia_server.pages.words import translate
from gaia_server.rendering import link_page, make_link, render_empty, render_json, render_time
from gaia_server.services import Services, current_services
from gaia_server.uploads.kinds import KINDS
from gaia_server.uploads.uploads import Upload

MULTIPART = "multipart/form-data"
MOST_PARTS = 20
FRESH = {"Cache-Control": "no-store"}
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_ONE_FILE = UploadRefused(
    Text(
        en="Send one file in the form, chosen with its name.",
        fr="Envoyez un seul fichier dans le formulaire, choisi avec son nom.",
    ),
    code="invalid-upload",
)

routes = Blueprint("uploads", __name__)


@routes.get("/uploads")
def show_form() -> Response:
    """Show how a file is uploaded, and what can be."""
    services, language = current_services(), language_of(request)
    url = f"{services.settings.public_url}/uploads"
    told = {
        "limitBytes": services.settings.upload_limit,
        "lifetimeSeconds": services.settings.upload_lifetime_s,
        "types": [{"type": kind.media_type, "title": kind.title.into(language)} for kind in KINDS],
        "links": [make_link(url, "self"), link_page(url, language)],
    }
    if wants_html(request):
        return render_page("uploads/index.html", told, title=_title(), headers=FRESH)
    return render_json(told, headers=FRESH)


@routes.post("/uploads")
def take_upload() -> Response:
    """Take a file, as the body of the request or as the one file of a form."""
    services = current_services()
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise WrongMediaType(
            Text(
                en="Send the file as it is, without Content-Encoding.",
                fr="Envoyez le fichier tel quel, sans Content-Encoding.",
            )
        )
    request.max_content_length = sys.maxsize  # the limit for files counts here, not that for JSON
    try:
        upload = _take_part(services) if request.mimetype == MULTIPART else _take_body(services)
    except BROKEN:
        raise UploadRefused(
            Text(
                en="The file ended before all of it had arrived; send it again.",
                fr="Le fichier s'est terminé avant d'être complet ; renvoyez-le.",
            ),
            code="invalid-upload",
        ) from None
    there = f"/uploads/{upload.id}"
    if wants_html(request):
        return render_empty(HTTPStatus.SEE_OTHER, {"Location": path_of(there), **FRESH})
    headers = {"Location": services.settings.public_url + there, **FRESH}
    return render_json(_render(upload, services), HTTPStatus.CREATED, headers)


@routes.get("/uploads/<upload_id>")
def show_upload(upload_id: str) -> Response:
    """Say what an upload is, and how long it is kept."""
    services = current_services()
    upload = _find(services, upload_id)
    shown = _render(upload, services)
    if wants_html(request):
        trail = [Step(title=_title(), path="/uploads")]
        shown = shown | {"takers": takers_of_kind(services.processes.values(), upload.kind)}
        return render_page("uploads/upload.html", shown, title=upload.name, trail=trail, headers=FRESH)
    return render_json(shown, headers=FRESH)


@routes.delete("/uploads/<upload_id>")
def remove_upload(upload_id: str) -> Response:
    """Remove an upload; work that is under way keeps it until it ends."""
    _remove(current_services(), upload_id)
    return render_empty(HTTPStatus.NO_CONTENT)


@routes.post("/forms/uploads/<upload_id>")
def remove_from_page(upload_id: str) -> Response:
    """Do as `DELETE` does, for the button of its page: forms can only post."""
    services = current_services()
    check_same_origin(request, services.settings.public_url)
    _remove(services, upload_id)
    return render_empty(HTTPStatus.SEE_OTHER, {"Location": path_of("/uploads"), **FRESH})


def _take_body(services: Services) -> Upload:
    disposition = parse_options_header(request.headers.get("Content-Disposition"))[1]
    return services.uploads.take(
        request.stream,
        owner=identify(request),
        name=disposition.get("filename") or request.args.get("name", ""),
        size_bytes=request.content_length,
    )


def _take_part(services: Services) -> Upload:
    """Take the file of a form; it goes to its place while the form is read, whatever its size."""
    with services.uploads.open_part(owner=identify(request)) as part:
        places = iter((part,))

        def next_place(*_: object, **__: object) -> Any:
            place = next(places, None)
            if place is None:
                raise _ONE_FILE
            return place

        parser = FormDataParser(stream_factory=next_place, max_form_parts=MOST_PARTS)
        _, _, files = parser.parse(request.stream, MULTIPART, request.content_length, request.mimetype_params)
        named = next((file.filename for file in files.values() if file.filename), None)
        if named is None:
            raise _ONE_FILE
        return part.finish(name=named)


def _find(services: Services, upload_id: str) -> Upload:
    found = services.uploads.find(upload_id, owner=identify(request)) if _ID.fullmatch(upload_id) else None
    if found is None:
        raise NoSuchUpload
    return found


def _remove(services: Services, upload_id: str) -> None:
    upload = _find(services, upload_id)
    if not services.uploads.remove(upload.id, owner=upload.owner):
        raise NoSuchUpload


def _render(upload: Upload, services: Services) -> dict[str, Any]:
    url = f"{services.settings.public_url}/uploads/{upload.id}"
    return {
        "id": upload.reference,
        "uploadID": upload.id,
        "name": upload.name,
        "type": upload.media_type,
        "kind": upload.kind,
        "sizeBytes": upload.size_bytes,
        "sha256": upload.sha256,
        "created": render_time(upload.created),
        "expires": render_time(upload.expires),
        "links": [make_link(url, "self"), link_page(url, language_of(request))],
    }


def _title() -> str:
    return translate("Your own file", language_of(request))

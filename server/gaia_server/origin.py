"""
Whether a form was sent from a page of ours, so that no other site can act in a visitor's name.

References
----------
W3C Fetch Metadata Request Headers; RFC 6454 (the web origin concept).
"""

from urllib.parse import urlsplit

from flask import Request

from gaia_processes.text import Text
from gaia_server.errors import Forbidden


def check_same_origin(request: Request, public_url: str) -> None:
    """
    Let a posted form pass only if a browser says that it comes from this service.

    Browsers of today say so by `Sec-Fetch-Site`, older ones by `Origin`; what says neither is no form of a page.

    Raises
    ------
    Forbidden
        If it comes from elsewhere, or nobody says where from.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    from_here = (
        site == "same-origin" if site is not None else origin in (_origin(public_url), _origin(request.host_url))
    )
    if not from_here:
        raise Forbidden(
            Text(
                en="This form works only on a page of this service; programs use the API: /processes/{id}/execution to run, "
                "DELETE /jobs/{id} to dismiss.",
                fr="Ce formulaire ne fonctionne que sur une page de ce service ; un programme utilise l'API : "
                "/processes/{id}/execution pour exécuter, DELETE /jobs/{id} pour abandonner.",
            )
        )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

"""What a browser is told to keep to: nothing from elsewhere, no inline script, no framing, no guessing of types."""

from flask import Response

from gaia_server.negotiation import HTML

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
POLICY = "; ".join(f"{name} {sources}" for name, sources in _POLICY.items())


def protect(response: Response) -> Response:
    """Set the headers: those for pages on every page, and that types are as they are said on every answer."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.mimetype == HTML:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response

"""Who asks: the one place from which every route takes the owner of what it shows and makes."""

from flask import Request

ANONYMOUS = "anonymous"


def may_read(owner: str, dataset: str) -> bool:  # noqa: ARG001 - until datasets have readers everybody may read them all
    """Tell whether somebody may read a dataset, and so share what others computed of it."""
    return True


def identify(request: Request) -> str:  # noqa: ARG001 - until accounts exist everybody is the same person
    """Tell who sends a request."""
    return ANONYMOUS

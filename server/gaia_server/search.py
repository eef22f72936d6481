"""Whether words that somebody seeks stand in what is said of a thing; capitals and accents do not matter."""

import unicodedata
from collections.abc import Iterable

LONGEST_SEARCH = 200


def is_found(sought: str, said: Iterable[str]) -> bool:
    """Tell whether every word that is sought stands somewhere in what is said."""
    text = _plain(" ".join(said))
    return all(word in text for word in _plain(sought).split())


def _plain(text: str) -> str:
    """Take capitals and accents off, so that `écho`, `Echo` and `echo` find the same."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)).casefold()

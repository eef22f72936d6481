"""Words for people, in the languages that the service speaks."""

import unicodedata
from dataclasses import dataclass
from typing import Literal

type Language = Literal["en", "fr"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """The same sentence in English and French."""

    en: str
    fr: str

    def into(self, language: Language) -> str:
        """Give the sentence in one language."""
        return self.fr if language == "fr" else self.en


_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories whose characters show nothing, or change how those around them are shown."""


def reveal(text: str) -> str:
    r"""
    Write the characters of a text that cannot be seen as escapes: of somebody else's words, nothing may hide or turn round.

    Line feeds and tabs stay.

    Examples
    --------
    >>> reveal("a\u202eb")
    'a\\u202eb'
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_revealed, text))


def _revealed(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

"""Words for people, in the languages that the service speaks."""

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

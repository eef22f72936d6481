"""Sizes and times as people read them."""

from datetime import UTC, datetime

from babel.dates import format_datetime

from gaia_processes.text import Language

_UNITS: dict[Language, tuple[str, ...]] = {
    "en": ("bytes", "kB", "MB", "GB", "TB", "PB"),
    "fr": ("octets", "ko", "Mo", "Go", "To", "Po"),
}
_THOUSAND = 1000
_MINUTE_S = 60
_HOUR_S = 3600
_SHORT_S = 0.1


def say_size(size_bytes: int, language: Language) -> str:
    """
    Write a size with two or three digits, by powers of 1000.

    Examples
    --------
    >>> say_size(1234567, "en"), say_size(1234567, "fr"), say_size(12, "en")
    ('1.2 MB', '1,2 Mo', '12 bytes')
    """
    value, units = float(size_bytes), _UNITS[language]
    place = 0
    while round(value) >= _THOUSAND and place < len(units) - 1:
        value /= _THOUSAND
        place += 1
    return f"{say_number(value, language, digits=1 if place and value < 100 else 0)} {units[place]}"


def say_time(seconds: float, language: Language) -> str:
    """
    Write a stretch of time by its largest units.

    Examples
    --------
    >>> say_time(0.25, "fr"), say_time(90, "en"), say_time(7500, "en")
    ('0,2 s', '1 min 30 s', '2 h 5 min')
    """
    if seconds < _SHORT_S:
        return f"< {say_number(_SHORT_S, language, digits=1)} s"
    if seconds < _MINUTE_S:
        return f"{say_number(seconds, language, digits=1 if seconds < 10 else 0)} s"
    if seconds < _HOUR_S:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // _HOUR_S)} h {int(seconds % _HOUR_S // 60)} min"


def say_moment(when: datetime, language: Language) -> str:
    """
    Write a moment, in UTC.

    Examples
    --------
    >>> say_moment(datetime(2026, 1, 31, 12, tzinfo=UTC), "fr")
    '31 janv. 2026, 12:00:00 UTC'
    """
    return f"{format_datetime(when.astimezone(UTC), format='d MMM y, HH:mm:ss', locale=language)} UTC"


def say_number(value: float, language: Language, *, digits: int) -> str:
    """Write a number with the decimal sign of a language."""
    text = f"{value:.{digits}f}"
    return text.replace(".", ",") if language == "fr" else text

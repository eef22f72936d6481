"""Numbers of bytes as people write them: `2GiB`, `500 MB`, `1048576`."""

import re

UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", re.ASCII)


def read_size(value: object) -> int:
    """
    Read a number of bytes.

    Parameters
    ----------
    value : object
        A whole number of bytes, or text as `2GiB`; upper and lower case mean the same.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    ValueError
        The value is neither.

    Examples
    --------
    >>> read_size("2GiB")
    2147483648
    >>> read_size("1.5 kB")
    1500
    """
    match = _SIZE.fullmatch(str(value))
    if match is None or isinstance(value, bool) or match[2].upper() not in UNITS:
        raise ValueError("write a size as 2GiB, 500MB or a whole number of bytes")
    return (
        int(float(match[1]) * UNITS[match[2].upper()]) if "." in match[1] else int(match[1]) * UNITS[match[2].upper()]
    )


def render_size(size_bytes: int) -> str:
    """
    Write a number of bytes in the largest binary unit that divides it.

    Examples
    --------
    >>> render_size(2 * 2**30)
    '2GiB'
    >>> render_size(1500)
    '1500B'
    """
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size_bytes and size_bytes % UNITS[unit.upper()] == 0:
            return f"{size_bytes // UNITS[unit.upper()]}{unit}"
    return f"{size_bytes}B"

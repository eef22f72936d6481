"""What a result says of its own making: the `history` attribute and the identity of its source."""

from typing import Any


def append_history(attrs: dict[str, Any], line: str) -> dict[str, Any]:
    """
    Give the attributes of a result that was made from a source with these.

    Parameters
    ----------
    attrs : dict
        Global attributes of the source; left as they are.
    line : str
        UTC time, process and version, inputs; one line.

    Returns
    -------
    dict
        `history` has the line at its end; `tracking_id`, which names the source's bytes, became `parent_tracking_id`.
    """
    renamed = {("parent_tracking_id" if name == "tracking_id" else name): value for name, value in attrs.items()}
    before = str(attrs.get("history", "")).rstrip("\n")
    renamed["history"] = f"{before}\n{line}" if before else line
    return renamed

"""
Makes the folders of other centres unreadable to each process that works for a centre, also where root would read all.

Python loads this file at its start in every process of a test box (it lies on PYTHONPATH). A process with `GAIA_CENTRE`
in its environment that opens, lists or changes anything below another centre's folder gets a PermissionError, and what
it tried is noted for the test.
"""

import os
import sys

WATCHED = {
    "open",
    "os.listdir",
    "os.scandir",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
}

_centre = os.environ.get("GAIA_CENTRE")
_home = os.environ.get("GAIA_HOME", "")
_places = os.path.join(_home, "centres", "")
_own = os.path.join(_places, _centre or "", "")


def _is_foreign(argument: object) -> bool:
    if not isinstance(argument, str | bytes):
        return False
    path = os.path.abspath(os.fsdecode(argument))
    return path.startswith(_places) and not f"{path}/".startswith(_own)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in WATCHED and any(_is_foreign(argument) for argument in arguments):
        line = f"{_centre}: {event} {arguments[0]!r}\n".encode()
        descriptor = os.open(os.path.join(_home, "trespasses.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(descriptor, line)
        os.close(descriptor)
        raise PermissionError(13, "this is another centre's folder", str(arguments[0]))


if _centre:
    sys.addaudithook(_refuse)

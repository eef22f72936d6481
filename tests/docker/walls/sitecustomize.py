"""
Makes a process of ours feel the container that it is not in: what is no volume and no tmpfs cannot be written, and what its
image does not hold cannot be imported.

Python loads this file at its start (it lies on PYTHONPATH). What a process tried to write is noted for the test.
"""

import errno
import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
ALWAYS = ("/dev/", "/proc/self/")

_writable = tuple(os.path.join(place, "") for place in os.environ.get("TEST_WRITABLE", "").split(os.pathsep) if place)
_notes = os.environ.get("TEST_TRESPASSES", "")


def _is_foreign(place: object) -> bool:
    if not isinstance(place, str | bytes):
        return False
    named = os.path.abspath(os.fsdecode(place))  # before links are followed: /proc/self leads to a number
    path = os.path.join(os.path.realpath(os.path.dirname(named)), "")
    return not (named.startswith(ALWAYS) or path.startswith(_writable) or path.endswith("__pycache__/"))


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        foreign = isinstance(flags, int) and flags & WRITING and _is_foreign(path)
    else:
        relative = any(isinstance(each, int) and each >= 0 for each in arguments[1:]) and event != "os.chmod"
        foreign = event in CHANGES and not relative and _is_foreign(arguments[0])
    if foreign and arguments[0] != _notes:
        with open(_notes, "a") as notes:
            notes.write(f"{' '.join(sys.argv)}: {event} {arguments[0]!r}\n")
        raise OSError(errno.EROFS, "the container's own file system is read-only", str(arguments[0]))


if _writable:
    for _name in os.environ.get("TEST_ABSENT", "").split():
        sys.modules[_name] = None  # type: ignore[assignment]  # this is how an import is made to fail
    sys.addaudithook(_refuse)

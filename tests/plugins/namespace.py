"""A network namespace of its own for a program of a test: a cable leads into it, which can be pulled out. Needs Linux, root and `ip`."""

import os
import random
import shutil
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from gaia_config.demo import child

_OF_TESTS = "198.18"
"""RFC 2544 keeps 198.18.0.0/15 for tests of networks: it is nobody's."""


class Namespace:
    """
    A namespace, and a cable (veth) between it and everybody else.

    Attributes
    ----------
    outside : str
        Address of this end of the cable: what those inside reach.
    """

    def __init__(self) -> None:
        number = random.SystemRandom().randrange(2**14)
        base = f"{_OF_TESTS}.{number // 64}"
        self._name = f"gaia-{number}"
        self._here, self._there = f"gaia{number}h", f"gaia{number}t"
        self._first = number % 64 * 4
        self.outside = f"{base}.{self._first + 1}"
        self._inside = f"{base}.{self._first + 2}"

    @staticmethod
    def can_be_made() -> bool:
        """Tell whether this machine lets us make one."""
        if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
            return False
        with suppress(subprocess.CalledProcessError), Namespace():
            return True
        return False

    def inside(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """Give the command of a rig's program as one that runs in here; it keeps its process id."""
        return ("ip", "netns", "exec", self._name, sys.executable, "-m", child.__name__, *command)

    def pull(self) -> None:
        """Pull the cable out: what is sent is gone, and nobody is told."""
        _ip("link", "set", self._here, "down")

    def plug(self) -> None:
        """Put it back in."""
        _ip("link", "set", self._here, "up")

    def __enter__(self) -> Self:
        _ip("netns", "add", self._name)
        try:
            _ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self._name)
            _ip("address", "add", f"{self.outside}/30", "dev", self._here)
            _ip("-n", self._name, "address", "add", f"{self._inside}/30", "dev", self._there)
            _ip("-n", self._name, "link", "set", "lo", "up")
            _ip("-n", self._name, "link", "set", self._there, "up")
            self.plug()
        except subprocess.CalledProcessError:
            _ip("netns", "delete", self._name)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(subprocess.CalledProcessError):  # it went with the last program inside
            _ip("link", "delete", self._here)
        _ip("netns", "delete", self._name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)

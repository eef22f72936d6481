"""The time that a centre and the server have in common: that of the broker. Clocks of centres are wrong now and then."""

import threading
import time
from contextlib import suppress

from gaia_workers.contract import TransportDown
from gaia_workers.transport import Line

LOOK_PERIOD_S = 60.0


class SharedClock:
    """
    Tells the broker's time, as it was seen last; without a broker this machine's own.

    Parameters
    ----------
    line : Line
        The centre's line to its broker.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """Tell the time, seconds since 1970."""
        return time.time() + self._ahead_s

    def look(self) -> None:
        """See how far the broker's clock is ahead; where it does not answer, what was seen last holds."""
        with suppress(TransportDown):
            self._ahead_s = self._line.time_s() - time.time()

    def keep_looking(self) -> None:
        """Look now, and again every minute in a thread of its own."""
        self.look()
        threading.Thread(target=self._repeat, name="clock", daemon=True).start()

    def _repeat(self) -> None:
        while True:
            time.sleep(LOOK_PERIOD_S)
            self.look()

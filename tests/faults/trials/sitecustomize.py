"""
Makes one program of a rig another than the rest: Python loads this file at the start of each, before anything of ours.

TEST_CLOCK_AHEAD_S shifts the clock of the program; TEST_CONTRACT lets it speak an older or newer contract.
"""

import importlib
import os
import time
from datetime import UTC, datetime, timedelta

_ahead_s = float(os.environ.get("TEST_CLOCK_AHEAD_S", "0"))
_contract = os.environ.get("TEST_CONTRACT")

if _ahead_s or _contract:
    _ours = importlib.import_module("gaia_workers.contract")

if _ahead_s:
    _time = time.time

    def _later() -> float:
        return _time() + _ahead_s

    def _utc_later() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=_ahead_s)

    time.time = _later
    _ours.utc_now = _utc_later

if _contract:
    _ours.CONTRACT = int(_contract)
    _ours.READABLE = frozenset({int(_contract), int(_contract) - 1})
    _ours.Presence.__init__.__kwdefaults__["contract"] = int(_contract)

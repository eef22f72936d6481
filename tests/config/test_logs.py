"""Every line of a log is one JSON object, whoever wrote it and whatever it holds."""

import json
import subprocess
import sys

SCRIPT = """
import logging
import structlog
from gaia_config.logs import set_up_logs

set_up_logs("INFO")
structlog.get_logger().info("ours", given='x\\n{"event": "forged"}')
logging.getLogger("a.library").error("theirs: %s", 'x\\r\\n{"event": "forged"}')
logging.getLogger("a.library").info("not heard")
secret = "hush"
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("a.library").exception("it broke")
"""


def test_ours_and_those_of_libraries_are_one_json_object_a_line():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=30)
    lines = [json.loads(line) for line in done.stderr.split("\n") if line]
    assert [(line["level"], line["event"].partition(":")[0]) for line in lines] == [
        ("info", "ours"),
        ("error", "theirs"),
        ("error", "it broke"),
    ]
    assert lines[1]["logger"] == "a.library"
    assert lines[2]["exception"][0]["exc_type"] == "ZeroDivisionError"
    assert "hush" not in done.stderr

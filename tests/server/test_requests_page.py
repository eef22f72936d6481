"""What docs/requests.md shows is what the server says."""

import json
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "requests.md").read_text(encoding="utf-8")


def test_the_example_of_constraints_is_true(client):
    asked, shown = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    told = client.post("/processes/subset/constraints", json=asked).get_json()
    assert told["processID"] == shown["processID"]
    assert {name: told["inputs"][name] for name in shown["inputs"]} == shown["inputs"]


def test_the_link_that_is_shown_can_be_followed(client):
    (link,) = re.findall(r"`GET (/processes/\S+)`", PAGE)
    assert client.get(link).status_code == 503, "right, but nobody works here"

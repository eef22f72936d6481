"""What docs/start.md tells the makers of portals works on a page that comes from elsewhere."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

PAGE = (Path(__file__).parents[2] / "docs" / "start.md").read_text(encoding="utf-8")


def test_a_page_of_another_host_runs_a_job_and_gets_its_result(chromium, box, receiver):
    (script,) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{receiver.port}/")  # another origin; what stands there does not matter
        file, address = page.evaluate(
            f"async (gaia) => {{ {script}\nreturn [results.data, new URL(file).pathname]; }}", box.base_url
        )
    assert file["type"] == "application/x-netcdf"
    assert re.fullmatch(r"/jobs/[0-9a-f-]{36}/results/data", address)

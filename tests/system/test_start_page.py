"""What docs/start.md tells a newcomer to type does what it says."""

import csv
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "start.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:5000"

pytestmark = pytest.mark.system


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_what_is_typed_in_a_shell_works_block_by_block(box, tmp_path):
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace(ADDRESS, box.base_url)
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for _ in range(3):  # what took too long goes on as a job; asked again, its result is there
        done = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if not any(path.read_bytes().startswith(b'{"jobID"') for path in tmp_path.glob("*.[!j]*")):
            break
    with (tmp_path / "sites.csv").open(encoding="utf-8") as table:
        assert [row["site"] for row in csv.DictReader(table)] == ["Denver"] * 10 + ["Iowa City"] * 10
    assert (tmp_path / "countries.gpkg").read_bytes().startswith(b"SQLite format 3")
    assert (tmp_path / "richness.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "means.nc").read_bytes()[1:4] == b"HDF"
    assert "Denver" in (tmp_path / "mine-with-values.csv").read_text(encoding="utf-8")
    assert "1860" in done.stdout, "the refused request is told how far the data go"

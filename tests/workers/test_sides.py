import json
from datetime import UTC, datetime

import netCDF4
import pytest
import xarray as xr

from gaia_processes import formats
from gaia_workers.contract import Order, OutputFile
from gaia_workers.results import Draft, digest
from gaia_workers.sides import LIMIT_BYTES, make_preview

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORDER = Order(
    job_id="j", part=0, attempt=1, process_id="subset", process_version="1.0.0", inputs={}, formats={},
    accepted=NOON, queue_deadline=NOON, time_limit_s=1, memory_limit_bytes=1, centre="c", queue="q",
)  # fmt: skip


@pytest.fixture
def draft(tmp_path) -> Draft:
    return Draft(order=ORDER, folder=tmp_path)


def written(draft: Draft, name: str, file_format=formats.NETCDF) -> OutputFile:
    path = draft.path(name)
    return OutputFile(
        output="data", name=name, media_type=file_format.media_type, size_bytes=path.stat().st_size,
        sha256=digest(path), location=f"j/1/{name}", store="centre",
    )  # fmt: skip


def test_a_preview_lies_beside_its_output_and_leaves_its_bytes_alone(draft):
    with netCDF4.Dataset(draft.path("subset-j.nc"), "w") as data:
        data.createDimension("time", 2)
        data.createVariable("tas", "f4", ("time",))[:] = [1, 2]
    file = written(draft, "subset-j.nc")
    side = make_preview(draft, file, formats.NETCDF)
    path = draft.path("subset-j.preview.json")
    assert (side.name, side.output, side.ending, side.location) == (
        path.name, "data", "preview.json", "j/1/subset-j.preview.json",
    )  # fmt: skip
    assert (side.size_bytes, side.sha256) == (path.stat().st_size, digest(path))
    assert json.loads(path.read_text())["kind"] == "series"
    assert digest(draft.path("subset-j.nc")) == file.sha256


def test_a_preview_that_cannot_be_made_is_only_logged(draft, capsys):
    draft.path("broken.nc").write_bytes(b"no data")
    assert make_preview(draft, written(draft, "broken.nc"), formats.NETCDF) is None
    assert "no preview" in capsys.readouterr().out
    assert not draft.path("broken.preview.json").exists()


def test_a_preview_that_is_too_large_is_left_out(draft, monkeypatch):
    draft.path("a.txt").write_text("x")
    monkeypatch.setattr("gaia_workers.sides.PREVIEWS", {"text": lambda path: {"text": "x" * LIMIT_BYTES}})
    assert make_preview(draft, written(draft, "a.txt", formats.TEXT), formats.TEXT) is None


def test_long_text_shows_its_beginning(draft):
    draft.path("a.txt").write_text("é" * 50_000)
    make_preview(draft, written(draft, "a.txt", formats.TEXT), formats.TEXT)
    told = json.loads(draft.path("a.preview.json").read_text())
    assert told == {"kind": "text", "text": "é" * 4000, "more": True}


def test_what_is_a_preview_of_nothing_is_none(draft):
    xr.Dataset().to_netcdf(draft.path("a.nc"))
    assert make_preview(draft, written(draft, "a.nc"), formats.NETCDF) is None

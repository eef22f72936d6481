from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.errors import DatasetUnsuitable, InvalidInputs, ResultTooLarge
from gaia_processes.formats import GRIDDED, Format
from gaia_workers.contract import Order, Words
from gaia_workers.data import DataAccess
from gaia_workers.delivery import Stays
from gaia_workers.results import Results, digest
from gaia_workers.runner import run
from gaia_workers.sides import PREVIEWS

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
JOB = "11111111-1111-4111-8111-111111111111"


class Told:
    """Remembers what was said."""

    def __init__(self) -> None:
        self.percents: list[int] = []
        self.warnings: list[Words] = []
        self.notes: list[Words] = []

    def progress(self, percent: int, words: Words | None = None) -> None:
        self.percents.append(percent)

    def warn(self, words: Words) -> None:
        self.warnings.append(words)

    def note(self, words: Words) -> None:
        self.notes.append(words)


class Grid:
    """One dataset: 100 * row + column on 6 rows and 12 columns."""

    opened = 0
    bytes_read = bytes_moved = 0

    @contextmanager
    def open(self, reference: object):
        self.opened += 1
        yield xr.Dataset(
            {"tas": (("lat", "lon"), [[float(100 * row + column) for column in range(12)] for row in range(6)])},
            coords={
                "lat": ("lat", [75.0, 45, 15, -15, -45, -75], {"units": "degrees_north"}),
                "lon": ("lon", [30.0 * column for column in range(12)], {"units": "degrees_east"}),
            },
        )


def order(process: str = "subset", **change: object) -> Order:
    values: dict[str, object] = {
        "job_id": JOB, "part": 0, "attempt": 1, "process_id": process, "process_version": by_id(CATALOGUE)[process].version,
        "inputs": {"dataset": "grid", "bbox": [-40, -20, 40, 50]}, "formats": {"data": "netcdf"}, "accepted": NOON,
        "queue_deadline": NOON, "time_limit_s": 60.0, "memory_limit_bytes": 2**31, "centre": "climeri", "queue": "q",
    }  # fmt: skip
    return Order(**(values | change))  # type: ignore[arg-type]  # a test says what it changes


@pytest.fixture
def results(tmp_path: Path) -> Results:
    made = Results(tmp_path)
    made.prepare()
    return made


def carry_out(one: Order, results: Results, *, data: Grid | DataAccess | None = None, say: Told | None = None):
    return run(one, data=data or Grid(), results=results, say=say or Told(), deliver=Stays())


def test_an_order_becomes_a_file_with_its_digest_and_the_extent_it_really_has(results: Results) -> None:
    result = carry_out(order(), results)
    (output,) = result.outputs
    path = results.root / output.location
    assert (output.name, output.sha256, output.size_bytes) == ("subset-11111111.nc", digest(path), path.stat().st_size)
    assert (result.extent["geospatial_lon_min"], result.extent["geospatial_lon_max"]) == (-30, 30)
    with xr.open_dataset(path) as data:
        assert data["tas"][0].values.tolist() == [111, 100, 101]
        version = by_id(CATALOGUE)["subset"].version
        assert data.attrs["history"].startswith(f"2026-01-31T12:00:00Z gaia subset {version} {{")


BEGIN = {
    "netcdf": b"\x89HDF", "zarr": b"PK", "geotiff": b"II*\0", "csv": b"latitude,longitude,tas\r\n45.0,-30.0,111.0\r\n",
    "csv_fr": "\ufefflatitude;longitude;tas\r\n45,0;-30,0;111,0\r\n".encode(), "coverage_json": b'{"type":"Coverage"',
    "png": b"\x89PNG",
}  # fmt: skip


@pytest.mark.parametrize("file_format", GRIDDED, ids=lambda each: each.id)
def test_every_format_is_written_and_previewed_where_it_can_be(results: Results, file_format: Format) -> None:
    result = carry_out(order(formats={"data": file_format.id}), results)
    (output,) = result.outputs
    content = (results.root / output.location).read_bytes()
    assert (output.media_type, output.name) == (file_format.media_type, f"subset-11111111{file_format.extension}")
    assert content.startswith(BEGIN[file_format.id])
    assert bool(result.sides) == (file_format.id in PREVIEWS)


def test_the_same_work_gives_the_same_bytes_whoever_asks_and_however_often(results: Results) -> None:
    first = carry_out(order(), results)
    again = carry_out(order(job_id=JOB.replace("1111-4", "2222-4"), attempt=2), results)
    assert first.outputs[0].sha256 == again.outputs[0].sha256


def test_a_second_run_of_the_same_attempt_finds_the_first_ones_result(results: Results) -> None:
    data = Grid()
    first = carry_out(order(), results, data=data)
    assert carry_out(order(), results, data=data) == first
    assert data.opened == 1


def test_the_receipt_says_what_was_read_of_the_data_and_not_what_the_program_read(
    results: Results, tmp_path: Path
) -> None:
    steps = np.random.default_rng(1).normal(size=(50, 60, 80)).astype("f4")
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for name, size in zip(("time", "lat", "lon"), steps.shape, strict=True):
            file.createDimension(name, size)
            file.createVariable(name, "f8", (name,), contiguous=True)[:] = np.arange(size)
        for name, units in {"time": "days since 2001-01-01", "lat": "degrees_north", "lon": "degrees_east"}.items():
            file[name].units = units
        file.createVariable("tas", "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(1, 60, 80))[:] = steps
    with h5py.File(tmp_path / "a.nc") as stored:
        met = sum(stored["tas"].id.get_chunk_info_by_coord((step, 0, 0)).size for step in range(9, 19))
    inputs = {"dataset": "grid", "datetime": "2001-01-10/2001-01-19"}
    data = DataAccess({"grid": (tmp_path / "a.nc",)})
    first = carry_out(order(inputs=inputs), results, data=data).receipt.bytes_read
    assert met <= first <= 1.2 * met
    again = carry_out(order(inputs=inputs, job_id=JOB.replace("1111-4", "2222-4")), results, data=data)
    assert again.receipt.bytes_read == first


def test_only_the_outputs_that_were_asked_for_are_written(results: Results) -> None:
    inputs = {"message": "hi", "values": [1, 2]}
    result = carry_out(order("echo", inputs=inputs, formats={"values": "json", "area": "json"}), results)
    assert [(output.output, output.value) for output in result.outputs] == [("values", [1, 2])]


def test_warnings_are_said_at_once_and_kept(results: Results) -> None:
    say = Told()
    result = carry_out(order(inputs={"dataset": "grid", "bbox": [4, 4, 5, 5]}), results, say=say)
    assert len(result.warnings) == 1
    assert tuple(say.warnings) == result.warnings
    assert result.warnings[0].en != result.warnings[0].fr


def test_the_log_says_what_was_opened(results: Results) -> None:
    say = Told()
    carry_out(order(), results, say=say)
    assert [note.en for note in say.notes] == ["Opened grid: tas (lat 6, lon 12), 0.0 MB uncompressed."]


def test_wrong_inputs_are_refused_by_the_worker_too(results: Results) -> None:
    with pytest.raises(InvalidInputs):
        carry_out(order(inputs={"dataset": "grid", "bbox": [1, 2, 3]}), results)
    assert results.drafts() == ()


def test_an_order_of_a_newer_version_of_the_process_is_refused(results: Results) -> None:
    with pytest.raises(DatasetUnsuitable, match=r"version 9\.10\.0 was asked"):
        carry_out(order(process_version="9.10.0"), results)


def test_an_order_of_an_older_version_is_done_by_the_one_that_is_here_which_says_so(results: Results) -> None:
    here = by_id(CATALOGUE)["subset"].version
    result = carry_out(order(process_version="0.9.0"), results)
    assert result.software["subset"] == here
    assert [words.en for words in result.warnings] == [
        f"Version {here} of subset does this; it was version 0.9.0 when it was asked for."
    ]
    assert "subset" not in carry_out(order(job_id=JOB.replace("1", "2")), results).software


def test_what_is_larger_than_a_job_may_write_is_refused_before_it_is_computed(results: Results) -> None:
    with pytest.raises(ResultTooLarge, match=r"7\.2e-07 GB uncompressed"):
        run(
            order(inputs={"dataset": "grid"}), data=Grid(), results=results, say=Told(), deliver=Stays(),
            output_limit_bytes=719,
        )  # fmt: skip

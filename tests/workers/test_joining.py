"""Which files make one dataset along time, and what is said of those that do not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from gaia_config.catalogue import Federation
from gaia_config.centres import Centre
from gaia_config.datasets import digest_of_parts
from gaia_config.errors import ConfigurationError
from gaia_processes.cube import Cube
from gaia_processes.inputs.dataset import CatalogueRef
from gaia_workers.data import DataAccess
from gaia_workers.holdings import DatasetGone, Holdings
from gaia_workers.joining import order_files
from gaia_workers.publishing import add, add_files


def write_month(path: Path, month: int, **changed: Any) -> Path:
    """Write one month of 2001 (noleap) with bounds."""
    begins = np.concatenate([[0], np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])])
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("lat", 2)
        file.createDimension("bnds", 2)
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts(
            {"units": "days since 2001-01-01", "calendar": changed.get("calendar", "noleap"), "bounds": "tb"}
        )
        time[:] = [begins[month - 1 : month + 1].mean()]
        file.createVariable("tb", "f8", ("time", "bnds"))[:] = [begins[month - 1 : month + 1]]
        lat = file.createVariable("lat", "f8", ("lat",))
        lat.units = "degrees_north"
        lat[:] = changed.get("lat", [-45.0, 45.0])
        tas = file.createVariable(changed.get("name", "tas"), changed.get("dtype", "f4"), ("time", "lat"))
        tas.units = changed.get("units", "K")
        tas[:] = month
    return path


def test_files_come_in_the_order_of_time(tmp_path: Path) -> None:
    paths = [write_month(tmp_path / f"{name}.nc", month) for name, month in (("z", 1), ("a", 3), ("m", 2))]
    assert [path.stem for path in order_files(paths)] == ["z", "m", "a"]


@pytest.mark.parametrize(
    ("months", "changed", "said"),
    [
        ((1, 3), {}, r"between 1\.nc and 3\.nc there is a gap, from 2001-02-01T00:00:00 to 2001-03-01T00:00:00"),
        ((1, 2), {"lat": [-40.0, 40.0]}, r"2\.nc: has other values of lat than 1\.nc"),
        ((1, 2), {"units": "degC"}, r"2\.nc: has units 'degC' for tas, 1\.nc has 'K'"),
        ((1, 2), {"calendar": "standard"}, r"2\.nc: has calendar 'standard' for time"),
        ((1, 2), {"dtype": "f8"}, r"2\.nc: stores tas as float64 \(time, lat\), 1\.nc as float32"),
        ((1, 2), {"name": "pr"}, r"2\.nc: lacks tas and has pr, which is not in 1\.nc"),
    ],
)
def test_what_does_not_fit_is_said(months: tuple[int, int], changed: Any, said: str, tmp_path: Path) -> None:
    first = write_month(tmp_path / f"{months[0]}.nc", months[0])
    second = write_month(tmp_path / f"{months[1]}.nc", months[1], **changed)
    with pytest.raises(ConfigurationError, match=said):
        order_files([second, first])


def test_a_step_that_comes_twice_is_an_overlap(tmp_path: Path) -> None:
    paths = [write_month(tmp_path / f"{name}.nc", month) for name, month in (("a", 1), ("b", 1))]
    with pytest.raises(ConfigurationError, match=r"a\.nc and b\.nc overlap"):
        order_files(paths)


def test_a_file_without_time_is_refused(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "map.nc", "w") as file:
        file.createDimension("lat", 2)
        file.createVariable("orog", "f4", ("lat",))
    with pytest.raises(ConfigurationError, match=r"map\.nc: has no steps of time"):
        order_files([tmp_path / "map.nc", write_month(tmp_path / "1.nc", 1)])


def test_a_series_is_one_dataset_with_a_digest_for_each_file(centre: Centre) -> None:
    assert centre.data is not None
    paths = [write_month(centre.data / f"m{month}.nc", month) for month in (2, 1, 3)]
    dataset = add_files(paths, centre, dataset_id="months")
    found = Federation({centre.id: centre}).find("months")
    assert found is not None
    (replica,) = found.replicas
    assert [part.href for part in replica.files] == ["m1.nc", "m2.nc", "m3.nc"]
    assert replica.sha256 == digest_of_parts([part.sha256 for part in replica.parts])
    assert (found.version, dataset.version) == (replica.sha256[:12],) * 2
    assert replica.size_bytes == sum(path.stat().st_size for path in paths)
    cube = Cube.from_stac(found.properties)
    assert cube.variables["tas"].shape == (3, 2)
    assert cube.dimensions["time"].extent == ("2001-01-16T12:00:00", "2001-03-16T12:00:00")


def test_a_series_is_located_and_opened_as_one(centre: Centre) -> None:
    assert centre.data is not None
    add_files([write_month(centre.data / f"m{month}.nc", month) for month in (1, 2)], centre, dataset_id="months")
    reference = CatalogueRef(id="months")
    files = Holdings(centre).locate(reference)
    with DataAccess({"months": files}).open(reference) as dataset:
        assert dataset["tas"].values[:, 0].tolist() == [1, 2]
    files[1].unlink()
    with pytest.raises(DatasetGone):
        Holdings(centre).locate(reference)


def test_the_same_series_at_two_centres_is_two_replicas(centre: Centre, tmp_path: Path) -> None:
    there = replace(
        centre, id="theia", data=tmp_path / "theia", catalogue=tmp_path / "theia-catalogue" / "catalog.json"
    )
    for each in (centre, there):
        assert each.data is not None
        each.data.mkdir(exist_ok=True)
        paths = [write_month(each.data / f"m{month}.nc", month) for month in (1, 2)]
        add_files(paths, each, dataset_id="months")
    dataset = Federation([centre, there]).find("months")
    assert dataset is not None
    assert [replica.centre for replica in dataset.replicas] == ["climeri", "theia"]


def test_one_title_for_several_datasets_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    centres = (
        f"centres: [{{id: a, title: A, broker_url: 'redis://h', key: {'k' * 32}, delivery: push, catalogue: c/a.json}}]"
    )
    (tmp_path / "centres.yml").write_text(centres)
    monkeypatch.setenv("GAIA_CENTRES", str(tmp_path / "centres.yml"))
    with pytest.raises(ConfigurationError, match="--title names one dataset"):
        add(paths=[Path("a.nc"), Path("b.nc")], centre="a", title="Both")

"""`gaia catalogue add`, as an operator types it."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from gaia_config.catalogue import Federation, read_catalogue
from gaia_config.centres import Centre
from gaia_config.errors import ConfigurationError
from gaia_processes.cube import Cube
from gaia_processes.inputs.dataset import CatalogueRef
from gaia_processes.rows import Rows
from gaia_workers import publishing
from gaia_workers.data import DataAccess
from gaia_workers.holdings import Holdings
from gaia_workers.publishing import add_file, add_files, add_list, begin, id_of
from gaia_workers.readers.zarr_stores import digest_of, size_of


def write_grid(path: Path, *, first: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with netCDF4.Dataset(path, "w") as data:
        data.title = "A small grid"
        for name, values, units in (
            ("lat", [-45.0, 45.0], "degrees_north"),
            ("lon", [0.0, 90, 180, 270], "degrees_east"),
        ):
            data.createDimension(name, len(values))
            axis = data.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        data.createVariable("tas", "f4", ("lat", "lon"))[:] = first + np.arange(8).reshape(2, 4)
    return path


@pytest.fixture
def here(centre: Centre) -> Centre:
    assert centre.data is not None
    write_grid(centre.data / "small grid.nc")
    return centre


def test_a_file_in_the_data_folder_becomes_a_dataset_whose_version_is_its_bytes(here: Centre) -> None:
    assert here.data is not None
    path = here.data / "small grid.nc"
    add_file(path, here)
    dataset = Federation({here.id: here}).find("small-grid")
    assert dataset is not None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (dataset.version, dataset.title, dataset.keywords) == (digest[:12], "A small grid", ("tas",))
    (replica,) = dataset.replicas
    assert (replica.sha256, replica.path(here.data)) == (digest, path.resolve())
    assert Cube.from_stac(dataset.properties).data_variables == ("tas",)


def test_a_file_from_elsewhere_is_copied_into_the_data_folder(here: Centre, tmp_path: Path) -> None:
    assert here.data is not None
    outside = write_grid(tmp_path / "outside" / "other.nc", first=7)
    dataset = add_file(outside, here, dataset_id="mine", title="Mine", licence="CC0-1.0")
    assert (dataset.id, dataset.title, dataset.licence) == ("mine", "Mine", "CC0-1.0")
    assert (here.data / "other.nc").read_bytes() == outside.read_bytes()


def written(path: Path, entries: object) -> Path:
    path.write_text(json.dumps(entries))
    return path


def test_a_list_is_published_with_its_words_and_one_that_fails_keeps_none_away(
    here: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publishing, "_centre", {here.id: here}.__getitem__)
    write_grid(tmp_path / "a.nc")
    (tmp_path / "b.csv").write_text("site,longitude,latitude\nBrest,-4.5,48.4\n")
    words = {"title": "Small", "description": "Eight cells.", "licence": "CC0-1.0"}
    files = {"a": "a.nc", "gone": "gone.nc", "b": "b.csv"}
    entries = [{"centre": here.id, "files": [file], "id": id} | words for id, file in files.items()]
    with pytest.raises(ConfigurationError, match="1 of 3 entries"):
        add_list(written(tmp_path / "list.json", entries))
    assert "list.json, entry 1: " in capsys.readouterr().err
    found = {each.id: each for each in read_catalogue(here.catalogue, here.id)}
    assert {id: (each.title, each.description, each.licence) for id, each in found.items()} == dict.fromkeys(
        ("a", "b"), ("Small", "Eight cells.", "CC0-1.0")
    )


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([{"centre": "x"}], "0.files: Field required"),
        ([{"centre": "x", "files": []}], "0.files"),
        ([{"centre": "x", "files": ["a.nc"], "tilte": "T"}], "0.tilte: Extra inputs"),
        ({}, "the whole: Input should be a valid array"),
    ],
)
def test_a_list_that_cannot_be_read_says_where(tmp_path: Path, entries: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        add_list(written(tmp_path / "list.json", entries))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        add_list(tmp_path / "none.json")


def test_a_copy_never_takes_the_place_of_another_file(here: Centre, tmp_path: Path) -> None:
    outside = write_grid(tmp_path / "outside" / "small grid.nc", first=7)
    with pytest.raises(ConfigurationError, match="another file of that name"):
        add_file(outside, here)


def test_the_same_file_added_again_is_there_already(
    here: Centre, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = write_grid(tmp_path / "outside" / "grid.nc", first=7)
    first = add_file(outside, here)
    assert add_file(outside, here) == first
    assert capsys.readouterr().out.splitlines()[-1] == "grid.nc is in the data folder already"


def write_store(path: Path, *, first_day: int = 0, days: int = 2) -> Path:
    times = np.arange(first_day, first_day + days) + 0.5
    axes = {
        "time": ("time", times, {"units": "days since 2001-01-01", "bounds": "time_bnds"}),
        "lat": ("lat", [-45.0, 45.0], {"units": "degrees_north"}),
        "lon": ("lon", [0.0, 90, 180, 270], {"units": "degrees_east"}),
    }
    values = np.ones((days, 2, 4), "f4") * times[:, None, None].astype("f4")
    edges = np.stack([times - 0.5, times + 0.5], 1)
    variables = {"tas": (("time", "lat", "lon"), values, {"units": "K"}), "time_bnds": (("time", "bnds"), edges)}
    xr.Dataset(variables, axes, {"title": "A small store"}).to_zarr(path, zarr_format=2)
    return path


@pytest.mark.filterwarnings("ignore:.*onsolidated metadata")
def test_a_zarr_store_is_published_from_its_place_or_copied_into_it(here: Centre, tmp_path: Path) -> None:
    assert here.data is not None
    for path in (write_store(here.data / "inside.zarr"), write_store(tmp_path / "outside.zarr")):
        dataset = add_file(path, here)
        (replica,) = dataset.replicas
        assert (dataset.id, dataset.title, replica.media_type) == (path.stem, "A small store", "application/vnd.zarr")
        assert (replica.sha256, replica.size_bytes) == (digest_of(path), size_of(path))
        files = Holdings(here).locate(CatalogueRef(id=dataset.id, version=None))
        with DataAccess({dataset.id: files}).open(CatalogueRef(id=dataset.id, version=None)) as opened:
            assert opened["tas"].shape == (2, 2, 4)
        assert add_file(path, here) == dataset
    assert (here.data / "outside.zarr" / ".zgroup").is_file()


def test_stores_that_follow_each_other_in_time_are_one_dataset(here: Centre) -> None:
    assert here.data is not None
    stores = [write_store(here.data / f"{day}.zarr", first_day=day) for day in (2, 0)]
    dataset = add_files(stores, here, dataset_id="days")
    assert [part.href for part in dataset.replicas[0].files] == ["0.zarr", "2.zarr"]
    assert Cube.from_stac(dataset.properties).dimensions["time"].size == 4


def test_a_folder_is_called_a_folder(here: Centre, tmp_path: Path) -> None:
    (tmp_path / "store.zarr").mkdir()
    with pytest.raises(ConfigurationError, match="this is a folder, and no Zarr store"):
        add_file(tmp_path / "store.zarr", here)


def test_the_same_bytes_at_two_centres_are_replicas(here: Centre, tmp_path: Path) -> None:
    there = replace(here, id="theia", data=tmp_path / "theia", catalogue=tmp_path / "theia-catalogue" / "catalog.json")
    assert here.data is not None
    for centre in (here, there):
        assert centre.data is not None
        path = centre.data / "g.nc"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((here.data / "small grid.nc").read_bytes())
        add_file(path, centre, dataset_id="g")
    dataset = Federation([here, there]).find("g")
    assert dataset is not None
    assert {replica.centre for replica in dataset.replicas} == {"climeri", "theia"}


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"<html>log in</html>", "web page"), (b"CDF\x01 not really", "NetCDF")]
)
def test_what_is_no_data_is_refused_in_one_sentence(here: Centre, content: bytes, said: str) -> None:
    assert here.data is not None
    path = here.data / "broken.nc"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as refused:
        add_file(path, here)
    assert str(here.data) not in str(refused.value)


def test_a_file_that_is_not_there_is_said(here: Centre) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        add_file(Path("nowhere.nc"), here)


@pytest.mark.parametrize(
    ("name", "expected"), [("tas day.nc", "tas-day"), ("é.nc", "dataset"), ("a.b_c-1.nc", "a.b_c-1")]
)
def test_an_id_is_made_of_what_an_id_may_hold(name: str, expected: str) -> None:
    assert id_of(Path(name)) == expected


def test_a_catalogue_is_begun_where_there_is_none_and_kept_where_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "centres.yml").write_text(
        f"centres: [{{id: a, title: A, broker_url: 'redis://h', key: {'k' * 32}, delivery: push, catalogue: c/a.json}}]"
    )
    monkeypatch.setenv("GAIA_CENTRES", str(tmp_path / "centres.yml"))
    begin(centre="a")
    assert read_catalogue(tmp_path / "c" / "a.json", "a") == ()
    (tmp_path / "c" / "a.json").write_text("kept")
    begin(centre="a")
    assert (tmp_path / "c" / "a.json").read_text() == "kept"


@pytest.mark.parametrize(
    ("name", "kind", "columns"),
    [
        ("vector/lux.gpkg", "geopackage", 6),
        ("vector/lux_shapefile.zip", "shapefile", 6),
        ("biodiversity/pontaurus_dwca.zip", "dwca", 27),
        ("biodiversity/bradypus.csv", "csv", 3),
    ],
)
def test_features_and_tables_become_datasets_with_their_columns(
    here: Centre, shared_data: Path, name: str, kind: str, columns: int
) -> None:
    dataset = add_file(shared_data / name, here, dataset_id="rows")
    found = Federation({here.id: here}).find("rows")
    assert found is not None
    rows = Rows.from_stac(found.properties)
    assert rows is not None
    assert (rows.kind, len(rows.columns), dataset.bbox) == (kind, columns, found.bbox)
    (replica,) = found.replicas
    assert here.data is not None
    assert replica.path(here.data).read_bytes() == (shared_data / name).read_bytes()


def test_a_table_that_cannot_be_read_is_not_published(here: Centre, shared_data: Path) -> None:
    with pytest.raises(ConfigurationError, match="byte 0xE9 in row 53"):
        add_file(shared_data / "biodiversity" / "acaule.csv", here)
    assert not here.catalogue.exists()

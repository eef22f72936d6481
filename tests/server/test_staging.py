"""What is brought to which centre: the least, cut to what is needed, with some cells around."""

from dataclasses import replace

import pytest

from gaia_config.catalogue import Federation, publish, write_empty
from gaia_config.datasets import Replica
from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.reading import read_inputs
from gaia_processes.rows import RowColumn, Rows
from gaia_server.staging import find_sites

PROCESSES = by_id(CATALOGUE)
CENTRES = ("climeri", "pndb", "theia")
WORLD = Cube(
    dimensions={
        "lat": Axis(type="spatial", axis="y", extent=(-89.5, 89.5), size=180, unit="degrees_north"),
        "lon": Axis(type="spatial", axis="x", extent=(0.5, 359.5), size=360, unit="degrees_east"),
    },
    variables={
        name: Variable(dimensions=("lat", "lon"), shape=(180, 360), unit="K", stored_bytes=4 * 180 * 360)
        for name in ("tas", "pr")
    },
    grid="regular",
    bbox=(-180.0, -89.5, 180.0, 89.5),
)  # fmt: skip


def grid(known, id, centre, cube=WORLD, media_type="application/x-netcdf"):
    copy = replace(known.replicas[0], centre=centre, media_type=media_type)
    return replace(known, id=id, bbox=cube.bbox, properties=cube.to_stac(), replicas=(copy,))


def table(known, id, centre, kind, size_bytes, bbox):
    columns = ("scientificName", "decimalLongitude", "decimalLatitude")
    rows = Rows(kind=kind, columns=tuple(RowColumn(name=name) for name in columns), count=10)
    copy = Replica(centre=centre, href=f"{id}.csv", media_type="text/csv", size_bytes=size_bytes, sha256="0" * 64)
    return replace(known, id=id, properties=rows.to_stac(), replicas=(copy,), bbox=bbox)


@pytest.fixture
def federation(services, centres, tmp_path):
    known = services.federation.find("tas-monthly")
    there = {id: replace(centres["theia"], id=id, catalogue=tmp_path / id / "catalog.json") for id in CENTRES}
    for centre in there.values():
        write_empty(centre)
    image = WORLD.model_copy(update={"variables": {"tas": WORLD.variables["tas"]}})
    for dataset in (
        grid(known, "climate", "climeri"),
        grid(known, "both", "climeri"),
        grid(known, "both", "pndb"),
        grid(known, "cover", "theia", image, "image/tiff; application=geotiff"),
        table(known, "records", "pndb", "csv", 10**9, (2.0, 43.0, 8.0, 49.0)),
    ):
        publish(there[dataset.replicas[0].centre], dataset)
    return Federation(there)


def sites_of(federation, process="biodiversity-indicators", centres=CENTRES, **inputs):
    return find_sites(PROCESSES[process], read_inputs(PROCESSES[process], inputs), federation, centres=centres)


def environment(*ids, **more):
    return {"dataset": "records", "by": "environment", "environment": [{"dataset": id, **more} for id in ids]}


def test_a_work_whose_datasets_lie_together_brings_nothing(federation):
    assert [(site.centre, site.brings) for site in sites_of(federation, **environment("both"))] == [("pndb", ())]


def test_the_environment_comes_to_the_records_cut_to_where_they_lie_and_three_cells_around(federation):
    (site,) = sites_of(federation, **environment("climate", variable="tas"))
    (bringing,) = site.brings
    assert (site.centre, str(bringing.reference), bringing.holders) == ("pndb", "climate", ("climeri",))
    assert bringing.process.id == "subset"
    west, south, east, north = bringing.inputs["bbox"]
    assert (south, north) == (40.0, 52.0)
    assert (west, east) == pytest.approx((2 - 3 * 360 / 359, 8 + 3 * 360 / 359))
    assert bringing.inputs["variables"] == ["tas"]
    assert site.bytes_moved < 4 * 180 * 360 / 100


def test_the_box_of_the_request_counts_more_than_where_the_records_lie(federation):
    (site,) = sites_of(federation, **environment("climate"), bbox=[170, -10, -170, 10])
    west, _, east, _ = site.brings[0].inputs["bbox"]
    assert (west, east) == pytest.approx((170 - 3 * 360 / 359, 190 + 3 * 360 / 359))


def test_records_all_around_the_earth_need_all_longitudes(federation):
    (site,) = sites_of(federation, **environment("climate"), bbox=[-179, -10, 179, 10])
    west, south, east, north = site.brings[0].inputs["bbox"]
    assert (west, south, east, north) == (-180, -13, 180, 13)


def test_an_image_stays_one(federation):
    (site,) = sites_of(federation, **environment("climate", "cover"))
    assert [each.formats for each in site.brings] == [{"data": "netcdf"}, {"data": "geotiff"}]


def test_what_is_named_twice_is_brought_once_with_all_that_either_needs(federation):
    inputs = environment("climate")
    inputs["environment"] = [{"dataset": "climate", "variable": name} for name in ("tas", "pr")]
    (site,) = sites_of(federation, **inputs)
    (bringing,) = site.brings
    assert "variables" not in bringing.inputs


def test_what_does_not_lie_where_it_is_needed_is_brought_whole(federation):
    (site,) = sites_of(federation, **environment("climate"), bbox=[5, 89.9, 5.2, 90])
    assert "bbox" in site.brings[0].inputs
    (site,) = sites_of(federation, **environment("climate", datetime="1800"))
    assert "datetime" not in site.brings[0].inputs


def test_where_a_centre_is_not_there_nothing_can_be_done(federation):
    assert sites_of(federation, **environment("climate"), centres=("pndb", "theia")) == ()


def test_the_lesser_dataset_travels(federation):
    (site,) = sites_of(federation, "regrid", dataset="climate", like="cover")
    assert (site.centre, [str(each.reference) for each in site.brings]) == ("climeri", ["cover"])

"""What `reproject` says before anything runs: systems, targets, classes and grids are judged from the catalogue."""

import pytest
from pyproj import CRS

from gaia_processes.cube import Variable
from gaia_processes.errors import InvalidInputs
from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.crs import parse_crs
from gaia_processes.judging import validate_request
from gaia_processes.reading import read_inputs
from gaia_processes.reproject.describe import METHODS, OF_CLASSES, REPROJECT


def faults(cube, **inputs):
    return [fault.problem.en for fault in REPROJECT.check(read_inputs(REPROJECT, {"dataset": "a", **inputs}), cube)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("EPSG:2154", "EPSG:2154"),
        ("2154", "EPSG:2154"),
        (2154, "EPSG:2154"),
        ("http://www.opengis.net/def/crs/EPSG/0/3857", "EPSG:3857"),
        ("urn:ogc:def:crs:EPSG::4326", "EPSG:4326"),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "OGC:CRS84"),
        ("CRS84", "OGC:CRS84"),
        ("[EPSG:2154]", "EPSG:2154"),
        ("[OGC:CRS84]", "OGC:CRS84"),
    ],
)
def test_a_system_has_several_names(written, read):
    assert parse_crs(written) == read


@pytest.mark.parametrize(
    "name",
    ["EPSG:999999", "lambert93", "", True, None, "EPSG:4979", "EPSG:5720", "/etc/x", "{", "PROJCS[", {"type": "x"}],
)
def test_what_is_no_system_on_the_earth_is_refused_with_what_would_be_right(name):
    with pytest.raises(BadValue, match=r"EPSG:2154|projected or geographic"):
        parse_crs(name)


LAMBERT_93 = CRS.from_epsg(2154)
OWN = "+proj=laea +lat_0=46 +lon_0=2 +ellps=GRS80 +units=m"


@pytest.mark.parametrize(
    "written",
    [
        LAMBERT_93.to_wkt(),
        LAMBERT_93.to_wkt("WKT1_GDAL"),
        LAMBERT_93.to_wkt("WKT1_ESRI"),
        LAMBERT_93.to_json(),
        LAMBERT_93.to_json_dict(),
    ],
    ids=["WKT 2", "WKT 1", "ESRI's WKT", "text of PROJJSON", "PROJJSON"],
)
def test_a_system_of_an_authority_that_is_written_out_is_known_by_its_code(written):
    assert parse_crs(written) == "EPSG:2154"
    assert read_inputs(REPROJECT, {"dataset": "a", "crs": written}).crs == "EPSG:2154"


@pytest.mark.parametrize("written", [OWN, CRS(OWN).to_wkt(), CRS(OWN).to_wkt("WKT1_GDAL"), CRS(OWN).to_json_dict()])
def test_a_system_of_nobody_is_kept_as_wkt_and_read_as_the_same_again(written):
    read = parse_crs(written)
    assert read.startswith("PROJCRS[")
    assert CRS(read).equals(CRS(OWN), ignore_axis_order=True)
    assert parse_crs(read) == read


@pytest.mark.parametrize(
    "written",
    [
        "+proj=longlat +nadgrids=/etc/passwd",
        "+proj=utm +zone=31 +init=/etc/passwd:x",
        "+proj=pipeline +step +proj=utm +zone=31",
        CRS("+proj=utm +zone=31 +ellps=intl +nadgrids=own.gsb").to_json_dict(),
    ],
)
def test_a_system_that_would_have_files_read_is_refused(written):
    with pytest.raises(BadValue, match="another file or definition"):
        parse_crs(written)


def test_a_system_is_not_read_without_end():
    with pytest.raises(BadValue, match="characters"):
        parse_crs(f'PROJCS["{"x" * 20_000}"')


def test_a_target_is_needed_and_one_is_enough(cube):
    assert faults(cube, crs="EPSG:3035") == []
    assert "There is no target" in faults(cube)[0]
    assert "beside like" in faults(cube, crs="EPSG:3035", like="b")[0]
    assert faults(cube, size=[40]) == []
    assert "beside resolution" in faults(cube, size=[40], resolution=1)[0]
    assert "beside like" in faults(cube, size=[40, 30], like="b")[0]


def test_a_target_that_cannot_be_read_is_not_called_missing_too(cube):
    with pytest.raises(InvalidInputs) as refused:
        validate_request(REPROJECT, {"dataset": "a", "crs": "lambert93"}, find_cube=lambda _: cube)
    assert [fault.problem.en for fault in refused.value.faults] == [
        '"lambert93" is no known reference system; write an EPSG code as EPSG:2154, a URI as '
        "http://www.opengis.net/def/crs/EPSG/0/2154, CRS84, or the system as WKT or PROJJSON."
    ]


def test_a_grid_without_rows_is_sent_to_regrid(cube):
    assert "use regrid" in faults(cube.model_copy(update={"grid": "curvilinear"}), crs="EPSG:3035")[0]


def test_classes_are_not_computed_with(cube):
    classes = Variable(dimensions=("lat", "lon"), shape=(6, 12), categorical=True)
    covered = cube.model_copy(update={"variables": {"cover": classes}})
    assert "name classes" in faults(covered, crs="EPSG:3035", resampling="average")[0]
    assert faults(covered, crs="EPSG:3035", resampling="average", classes_as_numbers=True) == []
    assert all(faults(covered, crs="EPSG:3035", resampling=method) == [] for method in OF_CLASSES)


def test_methods_are_those_of_gdal():
    for method in METHODS:
        assert read_inputs(REPROJECT, {"dataset": "a", "crs": "EPSG:3035", "resampling": method}).resampling == method
    with pytest.raises(InvalidInputs, match="resampling"):
        read_inputs(REPROJECT, {"dataset": "a", "crs": "EPSG:3035", "resampling": "blurry"})


def test_a_finer_resolution_costs_more(cube):
    coarse, fine = (
        REPROJECT.estimate(read_inputs(REPROJECT, {"dataset": "a", "crs": "EPSG:3035", "resolution": size}), cube)
        for size in (100_000, 10_000)
    )
    assert fine.bytes_written == pytest.approx(100 * coarse.bytes_written, rel=0.01)

"""Boxes in every notation, system and frame."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.bbox import CRS84, CRS84H, EPSG, Bbox, SentBbox, parse_bbox, parse_sent_bbox

PARIS = Bbox(west=-10.0, south=40.0, east=20.0, north=50.0)

type Complaint = Callable[[Callable[[object], object], object], str]


@pytest.mark.parametrize(
    "value",
    [
        [-10, 40, 20, 50],
        ["-10", "40.0", "20", "5e1"],
        (-10.0, 40.0, 20.0, 50.0),
        [[-10, 40, 20, 50]],
        {"bbox": [-10, 40, 20, 50]},
        {"bbox": [-10, 40, 20, 50], "crs": None},
        [{"bbox": [-10, 40, 20, 50], "crs": CRS84}],
        {"bbox": [-10, 40, 20, 50], "crs": "urn:ogc:def:crs:OGC:1.3:CRS84"},
        {"bbox": [40, -10, 50, 20], "crs": EPSG + "4326"},
        {"bbox": [40, -10, 50, 20], "crs": "EPSG:4326"},
        {"bbox": [40, -10, 50, 20], "crs": "urn:ogc:def:crs:EPSG::4326"},
        {"bbox": [40, -10, 50, 20], "crs": "https://www.opengis.net/def/crs/EPSG/9.9.1/4326"},
        PARIS,
    ],
)
def test_the_same_box_in_every_notation(value: object) -> None:
    assert parse_bbox(value) == PARIS


def test_six_numbers_have_heights() -> None:
    box = parse_bbox({"bbox": [0, 1, -100, 2, 3, 500], "crs": CRS84H})
    assert box == Bbox(west=0, south=1, bottom=-100, east=2, north=3, top=500)
    assert box.as_list() == [0, 1, -100, 2, 3, 500]


@pytest.mark.parametrize("longitudes", [(170.0, -140.0), (170.0, 220.0), (-190.0, -140.0), (350.0, 370.0 - 15.0)])
@pytest.mark.parametrize("crs", [CRS84, EPSG + "4326", EPSG + "4258"])
def test_longitudes_stay_in_the_frame_of_the_request(longitudes: tuple[float, float], crs: str) -> None:
    west, east = longitudes
    numbers = [west, -10, east, 10] if crs == CRS84 else [-10, west, 10, east]
    assert parse_bbox({"bbox": numbers, "crs": crs}).as_list() == pytest.approx([west, -10, east, 10], abs=1e-9)


@pytest.mark.parametrize(
    ("crs", "numbers", "expected"),
    [
        pytest.param("EPSG:2154", [600000, 6700000, 700000, 6800000], (1.65, 47.39, 3.0, 48.3), id="x, y"),
        pytest.param("EPSG:3035", [2800000, 3700000, 2900000, 3800000], (1.51, 48.0, 3.0, 48.99), id="y, x"),
        pytest.param("EPSG:3413", [-1e6, -1e6, 1e6, 1e6], (-180, 77.0, 180, 90), id="holds the north pole"),
        pytest.param("EPSG:3832", [1e6, -1e6, 5e6, 1e6], (158.98, -9.01, -165.08, 9.01), id="over the antimeridian"),
        pytest.param("EPSG:4807", [50, 0, 52, 2], (2.34, 45.0, 4.14, 46.8), id="grads from Paris"),
    ],
)
def test_boxes_in_other_systems_are_taken_to_degrees(
    crs: str, numbers: list[float], expected: tuple[float, ...]
) -> None:
    assert parse_bbox({"bbox": numbers, "crs": crs}).as_list() == pytest.approx(expected, abs=0.01)


@given(
    x=st.floats(200_000, 1_000_000),
    y=st.floats(6_100_000, 6_900_000),
    width=st.floats(1, 200_000),
    height=st.floats(1, 200_000),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_nothing_of_a_projected_box_is_lost(
    x: float, y: float, width: float, height: float, place: tuple[float, float]
) -> None:
    box = parse_bbox({"bbox": [x, y, x + width, y + height], "crs": "EPSG:2154"})
    to_degrees = Transformer.from_crs(CRS.from_epsg(2154), CRS.from_authority("OGC", "CRS84"))
    longitude, latitude = to_degrees.transform(x + place[0] * width, y + place[1] * height)
    # The edges are followed at 51 points each: what bulges between them stays under a thousandth of the box.
    slack = 1e-3 * max(box.east - box.west, box.north - box.south) + 1e-9
    assert box.west - slack <= longitude <= box.east + slack
    assert box.south - slack <= latitude <= box.north + slack


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2, 3], "3 were given"),
        ([1, 2, 3, 4, 5], "5 were given"),
        ([], "0 were given"),
        ("1,2,3,4", "is not a box"),
        (7, "is not a box"),
        ({"west": 1}, "is not a box"),
        ({"bbox": [1, 2, 3, 4], "srs": "EPSG:4326"}, "is not a box"),
        ({"bbox": "1,2,3,4"}, "is not a box"),
        ([0, 0, float("nan"), 1], "not a finite number"),
        ([0, 0, "NaN", 1], "is not a number"),
        ([0, 0, True, 1], "is not a number"),
        ([-361, 0, 1, 1], "longitude -361 is outside of -360 to 360"),
        ([0, 0, 1, 91], "latitude 91 is outside of -90 to 90"),
        ([0, 5, 1, 4], "lower edge 5 lies above the upper edge 4"),
        ([0, 0, 10, 1, 1, 5], "lower edge 10 lies above the upper edge 5"),
        ({"bbox": [2, 1, 1, 2], "crs": "EPSG:2154"}, "lower edge 2 lies above the upper edge 1"),
        ({"bbox": [170, 40, 190, 50], "crs": EPSG + "4326"}, "the order is that of"),
        ({"bbox": [1e12, 1e12, 2e12, 2e12], "crs": "EPSG:3035"}, "outside of where EPSG:3035 is defined"),
        ({"bbox": [1, 2, 3, 4, 5, 6], "crs": "EPSG:2154"}, "four numbers are right"),
    ],
)
def test_what_is_no_box_is_refused(value: object, said: str, complaint: Complaint) -> None:
    assert said in complaint(parse_bbox, value)


@pytest.mark.parametrize(
    "crs", ["EPSG:999999", "EPSG:5773", "EPSG:4979", "+proj=utm +zone=31", "IGNF:LAMB93", "WGS84", "EPSG:4326 ;x", 4326]
)
def test_an_unknown_system_is_answered_with_those_that_are_known(crs: object) -> None:
    with pytest.raises(BadValue) as caught:
        parse_bbox({"bbox": [0, 0, 1, 1], "crs": crs})
    (fault,) = caught.value.faults
    assert CRS84 in fault.allowed
    assert fault.pointer == "/crs"


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadValue) as caught:
        parse_bbox({"bbox": ["a", 0, "b", 1]})
    assert [fault.pointer for fault in caught.value.faults] == ["/bbox/0", "/bbox/2"]
    with pytest.raises(BadValue) as caught:
        parse_bbox([-400, 95, 0, -95])
    assert len(caught.value.faults) == 4


def test_a_box_can_be_kept_as_it_was_sent() -> None:
    sent = parse_sent_bbox({"bbox": [51.9, 7, 52, 7.1], "crs": EPSG + "4326"})
    assert sent.as_object() == {"bbox": [51.9, 7, 52, 7.1], "crs": EPSG + "4326"}
    assert parse_sent_bbox([1, 2, 3, 4]) == SentBbox(numbers=(1, 2, 3, 4), crs=CRS84)


def test_a_box_kept_as_sent_must_be_one(complaint: Complaint) -> None:
    assert "latitude 99" in complaint(parse_sent_bbox, [0, 0, 1, 99])


LONGITUDES = st.floats(-360, 360)
LATITUDES = st.floats(-90, 90)


@given(st.tuples(LONGITUDES, LATITUDES, LONGITUDES, LATITUDES).filter(lambda box: box[1] <= box[3]))
def test_a_box_is_read_as_it_is_written(numbers: tuple[float, float, float, float]) -> None:
    box = parse_bbox(list(numbers))
    assert parse_bbox(box.as_list()) == box

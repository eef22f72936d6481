import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point

from gaia_processes.shared.table import Table, cut, settle


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


def test_rows_in_memory_come_in_blocks_that_make_the_whole_again():
    blocks = list(cut(pd.DataFrame({"a": range(5)}), rows=2))
    assert [len(each) for each in blocks] == [2, 2, 1]
    assert pd.concat(blocks)["a"].tolist() == [0, 1, 2, 3, 4]


def test_a_table_without_rows_still_says_which_columns_it_has():
    table = Table.of(pd.DataFrame({"zone": [], "tas_mean": []}))
    (block,) = table.frames()
    assert (table.rows, list(block.columns)) == (0, ["zone", "tas_mean"])


def test_a_table_can_be_read_twice():
    table = Table.of(pd.DataFrame({"a": [1]}))
    assert [len(list(table.frames())), len(list(table.frames()))] == [1, 1]


@pytest.mark.parametrize(
    ("values", "dtype", "settled"),
    [
        ([1, None, 3], "Int64", [1, None, 3]),
        ([True, None], "boolean", [True, None]),
        ([1, 2.5, None], "float64", [1.0, 2.5, None]),
        (["é", None], "string", ["é", None]),
        (["a", 1, True, None], "string", ["a", "1", "true", None]),
        ([{"a": "é"}, [1, 2]], "string", ['{"a": "é"}', "[1, 2]"]),
        ([None, None], "string", [None, None]),
        ([2**70, 1], "string", [str(2**70), "1"]),
        ([dt.date(2001, 2, 3), None], "object", [dt.date(2001, 2, 3), None]),
    ],
)
def test_a_column_of_objects_gets_one_dtype_by_all_that_is_in_it(values, dtype, settled):
    got = settle(pd.DataFrame({"a": pd.Series(values, dtype=object)}))["a"]
    assert str(got.dtype) == dtype
    assert [None if pd.isna(each) else each for each in got] == settled


def test_other_columns_and_the_geometry_are_left_alone():
    frame = gpd.GeoDataFrame(
        {"n": np.array([1, 2], "i2"), "t": pd.to_datetime(["2001-01-01T00:00Z", None])},
        geometry=[Point(1, 2), None],
        crs="OGC:CRS84",
    )
    got = settle(frame)
    assert dtypes(got) == dtypes(frame)
    assert got.crs == frame.crs

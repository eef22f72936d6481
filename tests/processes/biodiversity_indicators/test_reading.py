import datetime as dt

import numpy as np
import polars as pl
import pytest

from gaia_processes.biodiversity_indicators.compute import compute
from gaia_processes.biodiversity_indicators.reading import read_batches
from gaia_processes.shared.parquet_rows import ParquetRows

RECORDS = pl.DataFrame(
    {
        "scientificName": ["Parus major", " Parus major", None, "Turdus merula", "Parus major", "Turdus merula"],
        "decimalLongitude": ["2.5", "2.5", "3.5", "x", "4.5", "0"],
        "decimalLatitude": [48.5, 48.5, 48.5, 48.5, None, 0.0],
        "eventDate": [dt.date(2001, 5, 3)] * 6,
        "taxonRank": pl.Series(["SPECIES", "species", None, "SPECIES", "SPECIES", "SPECIES"], dtype=pl.Categorical),
        "individualCount": [1, 2, 0, 4, 5, None],
    }
)


@pytest.fixture
def stored(tmp_path):
    """Records in a Parquet file of three groups of rows."""
    RECORDS.write_parquet(tmp_path / "records.parquet", row_group_size=2)
    return ParquetRows(tmp_path / "records.parquet", pl.scan_parquet(tmp_path / "records.parquet"))


def rows_of(source, column):
    """Give the texts of all rows."""
    batches = read_batches(source, [column], [column])
    return [each for batch in batches for each in batch.texts(column).rows(batch.texts(column).values).to_list()]


@pytest.mark.parametrize("column", RECORDS.columns)
def test_a_file_of_several_groups_has_the_texts_that_its_table_has(stored, column):
    expected = RECORDS[column].cast(pl.String).to_list()
    assert rows_of(stored, column) == rows_of(RECORDS.lazy(), column) == expected


def test_numbers_are_read_from_texts_too(stored):
    for source in (stored, RECORDS.lazy()):
        batches = list(read_batches(source, ["decimalLongitude", "individualCount"], []))
        longitude, count = (
            np.concatenate([batch.numbers(name) for batch in batches])
            for name in ("decimalLongitude", "individualCount")
        )
        np.testing.assert_array_equal(longitude, [2.5, 2.5, 3.5, np.nan, 4.5, 0.0])
        np.testing.assert_array_equal(count, [1, 2, 0, 4, 5, np.nan])


def test_a_file_gives_what_its_table_gives(stored):
    tables = [
        compute(source, by="grid", cell_size_degrees=1.0, warn=lambda _: None, note=lambda _: None)
        for source in (stored, RECORDS.lazy())
    ]
    assert tables[0].report == tables[1].report
    assert tables[0].report["removed"] == {
        "missing": 2, "range": 0, "zero": 1, "equal": 0, "absent": 1, "rank": 0, "duplicate": 1,
    }  # fmt: skip
    first, second = (next(table.frames()).drop(columns="geometry") for table in tables)
    assert first.equals(second)
    assert first["n_records"].tolist() == [1]


def test_numbers_that_are_none_are_not_there(run):
    records = {"scientificName": ["a", "b"], "decimalLongitude": [1.0, 2.0], "decimalLatitude": [3.0, 4.0]}
    table = pl.LazyFrame(records | {"coordinateUncertaintyInMeters": [float("nan"), 1e9]})
    _, report = run(occurrences=table)
    assert report["removed"]["uncertainty"] == 1

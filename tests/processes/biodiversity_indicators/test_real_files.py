"""Real downloads with their usual dirt go through, and the report of cleaning adds up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gaia_processes.biodiversity_indicators.compute import compute
from gaia_workers.readers.rows import open_rows


@pytest.fixture
def run(shared_data: Path) -> Callable[..., Any]:
    def run(name: str, *, encoding: str = "utf-8", role: str = "occurrences", **inputs: Any) -> Any:
        said: list[Any] = []
        with open_rows(shared_data / "biodiversity" / name, role, encoding=encoding, note=said.append) as opened:  # type: ignore[arg-type]
            table = compute(**{role: opened}, **inputs, warn=said.append, note=lambda _: None)
            return next(iter(table.frames())), table.report

    return run


def test_a_darwin_core_archive_in_a_sub_folder(run):
    frame, report = run("pontaurus_dwca.zip", by="grid", cell_size_km=50, indicators=("richness", "n_records")[:1])
    assert report["records_read"] == 1534
    assert report["records_kept"] + sum(report["removed"].values()) == 1534
    assert frame["n_records"].sum() + report["outside_units"] == report["records_kept"]


def test_a_table_in_latin_1(run):
    frame, report = run("acaule.csv", encoding="iso-8859-1", indicators=("eoo", "aoo"))
    assert report["records_read"] == 594
    assert report["records_kept"] == 594
    assert (frame["eoo"] >= frame["aoo"]).all()
    assert len(frame) <= 8


def test_counts_of_obis_on_an_equal_area_grid(run):
    frame, report = run("obis_south_atlantic.tsv", by="grid", cell_size_km=200, indicators=("es", "shannon"), checks=())
    assert report["records_read"] == report["records_kept"] == 6924
    assert frame["n_records"].sum() == 6924
    assert (frame["es"].dropna() <= 50).all()
    assert len(frame) == len(frame["unit"].unique())


@pytest.mark.parametrize(
    ("name", "sites", "species"), [("bci.csv", 50, 225), ("dune.csv", 20, 30), ("mite.csv", 70, 35)]
)
def test_community_tables_of_vegan(run, name, sites, species):
    frame, report = run(name, role="community", indicators=("richness", "weighted_endemism"))
    assert len(frame) == sites
    assert report["whole"]["gamma"] == species
    # Each species is shared out once among its sites
    assert frame["weighted_endemism"].sum() == pytest.approx(species)


def test_the_whole_of_barro_colorado_is_that_of_vegan(run):
    _, report = run("bci.csv", role="community")
    assert report["whole"]["chao2"] == pytest.approx(236.3732, abs=1e-4)  # specpool(BCI)

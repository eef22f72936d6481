"""A file as it is, for another centre."""

from gaia_processes.catalogue import CATALOGUE, INTERNAL, all_processes, known_processes
from gaia_processes.copy.compute import compute
from gaia_processes.copy.describe import COPY


def test_the_file_itself_is_given(tmp_path):
    assert compute(tmp_path / "zones.gpkg") == tmp_path / "zones.gpkg"


def test_workers_know_it_and_nobody_is_offered_it():
    assert COPY not in all_processes()
    assert known_processes()["copy"] is COPY
    assert len(known_processes()) >= len(CATALOGUE) + len(INTERNAL)

"""Arrays kept on disk: found again, bounded, whole or not at all."""

import os

import numpy as np
import pytest
import xarray as xr

from gaia_processes.inputs.resolution import parse_resolution
from gaia_processes.regrid.compute import compute
from gaia_workers.kept import KeptArrays


def never():
    pytest.fail("it was kept")


def numbers(count=1000):
    return {"a": np.arange(count, dtype="f8"), "b": np.array([1, 2], dtype="i4")}


def test_what_was_made_once_is_found_bit_for_bit(tmp_path):
    KeptArrays(tmp_path / "kept", 10**6).find("key", numbers)
    found = KeptArrays(tmp_path / "kept", 10**6).find("key", never)
    assert {name: (each.dtype, each.tobytes()) for name, each in found.items()} == {
        name: (each.dtype, each.tobytes()) for name, each in numbers().items()
    }


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    kept = KeptArrays(tmp_path, 20_000)  # room for two of 8 kB
    for age, key in enumerate(("used", "idle")):
        kept.find(key, numbers)
        os.utime(tmp_path / f"{key}.npz", (age, age))
    kept.find("used", never)
    kept.find("new", numbers)
    assert {path.name for path in tmp_path.iterdir()} == {"used.npz", "new.npz"}


def test_what_is_larger_than_the_limit_is_not_kept(tmp_path):
    assert len(KeptArrays(tmp_path, 100).find("key", numbers)["a"]) == 1000
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_made_anew(tmp_path):
    kept = KeptArrays(tmp_path, 10**6)
    kept.find("key", numbers)
    file = tmp_path / "key.npz"
    whole = file.read_bytes()
    for damaged in (b"", whole[:100], whole[:500] + b"x" * 8 + whole[508:]):
        file.write_bytes(damaged)
        assert kept.find("key", numbers)["a"][-1] == 999
        assert file.read_bytes() == whole


def test_a_disk_that_fails_costs_the_time_alone(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert KeptArrays(tmp_path / "file" / "kept", 10**6).find("key", numbers)["a"][1] == 1


def test_weights_of_a_curvilinear_grid_are_made_once(tmp_path):
    x, y = np.meshgrid(np.arange(0.0, 360.0, 20.0), np.arange(-80.0, 81.0, 20.0))
    bent = xr.Dataset(
        {
            "v": (("j", "i"), np.cos(np.radians(y)), {"coordinates": "lon lat"}),
            "lon": (("j", "i"), x + y / 10, {"units": "degrees_east", "standard_name": "longitude"}),
            "lat": (("j", "i"), y, {"units": "degrees_north", "standard_name": "latitude"}),
        }
    )
    kept, target, asked = KeptArrays(tmp_path, 10**6), parse_resolution("10x10"), []

    class Counted:
        def find(self, key, make):
            return kept.find(key, lambda: asked.append(key) or make())

    made = [compute(bent, grid=target, warn=pytest.fail, cache=Counted())["v"].values for _ in range(2)]
    np.testing.assert_array_equal(*made)
    assert asked == [path.stem for path in tmp_path.iterdir()]
    compute(bent.assign(lat=bent["lat"] * 0.9), grid=target, warn=pytest.fail, cache=Counted())
    assert len(asked) == 2

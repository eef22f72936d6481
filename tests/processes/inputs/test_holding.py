"""What a format can hold is known from the catalogue."""

from types import SimpleNamespace

from gaia_processes.formats import COVERAGE_JSON, CSV, GEOTIFF, GRIDDED, NETCDF, PNG, ZARR, format_for
from gaia_processes.inputs.holding import explain_unfit


def select(*variables):
    return SimpleNamespace(variables=variables or None, bbox=None, datetime=None, levels=None)


def test_every_format_is_found_by_its_name_and_other_names():
    assert len({each.id for each in GRIDDED}) == len(GRIDDED)
    for each in GRIDDED:
        assert [format_for(name, GRIDDED) for name in (each.media_type, *each.aliases)] == [each] * (
            1 + len(each.aliases)
        )
    assert format_for('image/tiff;application=geotiff;profile="cloud-optimized"', GRIDDED) is GEOTIFF


def test_a_raster_and_a_map_hold_one_variable(cube):
    one, *_ = cube.data_variables
    for each in (GEOTIFF, PNG):
        assert explain_unfit(select(one), cube, each) is None
        assert "name one" in explain_unfit(select(), cube, each).en


def test_a_curvilinear_grid_fits_those_that_keep_its_places(cube):
    curved = cube.model_copy(update={"grid": "curvilinear"})
    one, *_ = cube.data_variables
    refused = [
        each for each in (NETCDF, ZARR, GEOTIFF, CSV, COVERAGE_JSON, PNG) if explain_unfit(select(one), curved, each)
    ]
    assert refused == [GEOTIFF, COVERAGE_JSON]
    assert explain_unfit(select(one), curved, GEOTIFF, grid="regular") is None

"""Which variables belong to which."""

import xarray as xr

from gaia_processes.shared.references import close_over, find_bounds, find_referenced, references_of


def variable(**attrs):
    return xr.Variable(("x",), [0.0], attrs)


def test_each_attribute_is_read_by_its_own_grammar():
    own = variable(
        coordinates="lon lat", grid_mapping="crs: x y", cell_measures="area: a volume: v", formula_terms="ps: p b: q",
        ancillary_variables="flag", bounds="x_bnds",
    )  # fmt: skip
    assert set(references_of(own)) == {"lon", "lat", "crs", "x", "y", "a", "v", "p", "q", "flag", "x_bnds"}


def test_attributes_that_are_no_text_refer_to_nothing():
    assert references_of(variable(bounds=3, coordinates="")) == ()


def test_all_that_is_needed_is_kept_even_in_circles():
    named = {
        "v": variable(coordinates="lon"), "lon": variable(bounds="lon_bnds"), "lon_bnds": variable(coordinates="lon"),
        "x": variable(), "w": variable(),
    }  # fmt: skip
    assert close_over(named, ["v"]) == ("v", "lon", "lon_bnds", "x")
    assert find_bounds(named) == {"lon_bnds"}
    assert find_referenced(named) == {"lon", "lon_bnds"}

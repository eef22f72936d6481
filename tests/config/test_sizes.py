import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_config.sizes import read_size, render_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        pytest.param("2GiB", 2 * 1024**3, id="2 * 1024^3"),
        pytest.param("1 kb", 1000, id="1 * 1000"),
        pytest.param("1.5 KiB", 1536, id="1.5 * 1024"),
        pytest.param("17", 17, id="no unit: bytes"),
        pytest.param(17, 17, id="a number"),
    ],
)
def test_a_size_is_read_with_its_unit(text, size_bytes):
    assert read_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "2 potatoes", "-1", "1e9", "1,5GB", True, None, "٣GB"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="2GiB"):
        read_size(text)


@given(st.integers(0, 2**50))
def test_what_is_rendered_reads_as_the_same(size_bytes):
    assert read_size(render_size(size_bytes)) == size_bytes

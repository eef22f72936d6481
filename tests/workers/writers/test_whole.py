import errno
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gaia_workers.writers.whole import find_refusal, whole_or_nothing


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file be larger than 3 MiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 2**20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fail_after(path: Path, size_bytes: int, error: Exception) -> None:
    with whole_or_nothing(path):
        path.write_bytes(bytes(size_bytes))
        raise error


def test_nothing_is_left_of_a_file_that_could_not_be_written_whole(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="HDF error"):
        fail_after(tmp_path / "a.nc", 10, RuntimeError("NetCDF: HDF error"))
    assert list(tmp_path.iterdir()) == []


def test_what_a_library_keeps_to_itself_the_disk_is_asked(tmp_path: Path, small_files: None) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is looked at
        fail_after(tmp_path / "a.nc", 2 * 2**20, RuntimeError("NetCDF: HDF error"))
    assert caught.value.errno == errno.EFBIG
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_said_already_is_left_as_it_is(tmp_path: Path, small_files: None) -> None:
    with pytest.raises(OSError, match="said before"):
        fail_after(tmp_path / "a.nc", 2 * 2**20, OSError(errno.EIO, "said before"))


def test_a_disk_with_room_refuses_nothing(tmp_path: Path) -> None:
    assert find_refusal(tmp_path / "a.nc") is None

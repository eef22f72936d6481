from pathlib import Path

import pytest

from gaia_config.errors import ConfigurationError
from gaia_config.filesystems import NETWORK, find_type, refuse_network

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
server:/export {folder} nfs4 rw 0 0
tmpfs {folder}/local tmpfs rw 0 0
server:/b {folder}/with\\040blank cifs rw 0 0
"""


@pytest.fixture
def mounts(tmp_path):
    (tmp_path / "local").mkdir()
    (tmp_path / "with blank").mkdir()
    return MOUNTS.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("jobs.sqlite", "nfs4"), ("not/yet/there", "nfs4"), ("local/jobs.sqlite", "tmpfs"), ("with blank/x", "cifs")],
)
def test_the_innermost_mount_of_the_nearest_parent_counts(tmp_path, mounts, path, kind):
    assert find_type(tmp_path / path, mounts=mounts) == kind


def test_a_later_mount_over_the_same_place_hides_the_earlier(tmp_path):
    assert find_type(tmp_path, mounts=f"a {tmp_path} nfs rw 0 0\nb {tmp_path} xfs rw 0 0\n") == "xfs"


def test_a_link_is_followed(tmp_path, mounts):
    (tmp_path / "local" / "link").symlink_to(tmp_path / "with blank")
    assert find_type(tmp_path / "local" / "link" / "jobs.sqlite", mounts=mounts) == "cifs"


@pytest.mark.parametrize("kind", sorted(NETWORK))
def test_each_network_file_system_is_refused_with_a_way_out(tmp_path, kind):
    with pytest.raises(ConfigurationError, match=rf"\({kind}\).*PostgreSQL"):
        refuse_network(tmp_path / "jobs.sqlite", mounts=f"x {tmp_path} {kind} rw 0 0\n")


def test_a_local_disk_is_fine(tmp_path):
    refuse_network(tmp_path, mounts="/dev/sda1 / ext4 rw 0 0\n")
    refuse_network(tmp_path, mounts="")
    refuse_network(Path("relative/path"))


def test_this_machine_knows_its_mounts(tmp_path):
    assert find_type(tmp_path)

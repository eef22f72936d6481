import stat

import pytest

from gaia_config.files import write_whole


def test_the_file_stands_with_its_content_and_permissions(tmp_path):
    write_whole(tmp_path / "new" / "key", "secret\n", mode=0o600)
    assert (tmp_path / "new" / "key").read_text() == "secret\n"
    assert stat.S_IMODE((tmp_path / "new" / "key").stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a", "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"

"""What a result says of its own making."""

from gaia_processes.shared.history import append_history


def test_the_line_comes_last_and_the_source_is_left_alone():
    attrs = {"history": "made\n", "title": "t", "tracking_id": "hdl:1"}
    assert append_history(attrs, "cut") == {"history": "made\ncut", "title": "t", "parent_tracking_id": "hdl:1"}
    assert attrs["history"] == "made\n"


def test_the_first_line():
    assert append_history({}, "cut") == {"history": "cut"}

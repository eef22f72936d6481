from gaia_workers.previews.csv import preview


def test_the_first_rows_are_shown(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("station,tas\n" + "".join(f'"a, {n}",{n}\n' for n in range(60)))
    told = preview(path)
    assert told["columns"] == ["station", "tas"]
    assert (len(told["rows"]), told["rows"][0], told["more"]) == (50, ["a, 0", "0"], True)


def test_a_short_table_is_shown_whole(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    assert preview(path) == {"kind": "table", "columns": ["a", "b"], "rows": [["1", "2"]], "more": False}


def test_a_long_cell_and_many_columns_are_cut(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(["x" * 1000] * 500) + "\n")
    told = preview(path)
    assert len(told["columns"]) == 40
    assert {len(cell) for cell in told["columns"]} == {60}


def test_an_empty_file_has_no_preview(tmp_path):
    path = tmp_path / "a.csv"
    path.touch()
    assert preview(path) is None

"""The table of a results folder survives interruptions, and knows its own files alone."""

import pytest

from sceneseg.errors import RunError
from sceneseg.records.predictions import FILE, Predictions, Row, outputs_in, read


def row(name, **facts):
    files = {"label_ids": f"{name}_labelIds.png", "overlay": f"{name}_overlay.jpg"}
    return Row(**{"source": f"../{name}.png", "bytes": 7, "sha256": "abc"} | files | facts)


def test_rows_come_back(tmp_path):
    rows = [row("a"), row('b, with "quotes"\nand ümlauts'), row("c\udcff"), row("d", problem="3 of 4 frames")]
    table = Predictions(tmp_path)
    for one in rows:
        table.add(one)
    assert read(tmp_path / FILE) == rows
    assert outputs_in(tmp_path) == {tmp_path / file for one in rows for file in one.outputs} | {tmp_path / FILE}
    assert [one.name for one in rows][::2] == ["a", "c\udcff"]


def test_a_line_that_was_broken_off_is_left_out_and_repaired(tmp_path):
    table = Predictions(tmp_path)
    table.add(row("a"))
    table.add(row("b"))
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text[:-20])
    again = Predictions(tmp_path)
    assert list(again.rows) == ["../a.png"]
    again.add(row("c"))
    assert read(tmp_path / FILE) == [row("a"), row("c")]


def test_the_last_row_of_a_source_counts_and_is_alone_in_the_end(tmp_path):
    table = Predictions(tmp_path)
    for one in (row("a"), row("b"), row("a", sha256="new")):
        table.add(one)
    assert Predictions(tmp_path).rows["../a.png"].sha256 == "new"
    table.__exit__()
    assert read(tmp_path / FILE) == [row("a", sha256="new"), row("b")]
    table.remove("../a.png")
    assert read(tmp_path / FILE) == [row("b")]


@pytest.mark.parametrize("text", ["", "id,label\n1,2\n", "\xff\xfe\n", "source\n"])
def test_other_tables_are_refused(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(RunError, match="Choose another folder"):
        Predictions(tmp_path)
    assert outputs_in(tmp_path) == set()


def test_rows_that_were_edited_wrongly_are_named(tmp_path):
    Predictions(tmp_path).add(row("a"))
    with (tmp_path / FILE).open("a") as file:
        file.write("only,two\n")
    with pytest.raises(RunError, match="row 3"):
        Predictions(tmp_path)


def test_complete_means_all_files_without_a_problem(tmp_path):
    table = Predictions(tmp_path)
    assert not table.complete(row("a"))
    for file in row("a").outputs:
        (tmp_path / file).write_text("x")
    assert table.complete(row("a"))
    assert not table.complete(row("a", problem="3 of 4 frames"))


def test_a_table_that_a_killed_process_left_with_two_rows_of_a_source_is_put_in_order(tmp_path):
    one = row("a")
    with Predictions(tmp_path) as table:
        table.add(one)
    with table.path.open("a") as file:
        file.write(table.path.read_text().splitlines()[-1] + "\n")
    with Predictions(tmp_path):
        pass
    assert read(table.path) == [one]

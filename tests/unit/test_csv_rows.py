"""Rows of tables, read line by line."""

import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_web.problems import InvalidRequest
from shared_web.requests.csv_rows import MAX_ROW_LENGTH, rows_of_lines, table_rows

CELLS = st.text(alphabet='ab"; ,\n\r\t', max_size=6).map(str.strip)


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=5),
    has_spaces=st.booleans(),
)
def test_written_rows_are_read_again(rows: list[list[str]], *, has_spaces: bool) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL).writerows(rows)
    table = "sep=;\r\n" + text.getvalue()
    if has_spaces:
        quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}" ' for cell in row] for row in rows]
        table = "sep=;\n" + "\n".join(" ; ".join(row) for row in quoted)

    assert [row.cells for row in table_rows(table)] == [row for row in rows if any(row)]


def test_a_quote_that_is_not_closed_does_not_collect_the_file() -> None:
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        yield "id,name\n"
        yield '1,"Ada\n'
        while True:
            taken += 1
            yield "x" * 100_000 + "\n"

    with pytest.raises(InvalidRequest, match="row of line 2"):
        list(rows_of_lines(lines()))
    assert taken <= MAX_ROW_LENGTH // 100_000 + 1

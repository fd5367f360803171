"""Page of an export for people: every value is escaped, and nothing is loaded from elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from html import escape
from typing import Any

import orjson
from sqlalchemy import RowMapping

MAX_ROWS = 1000
_MAX_LETTERS = 2000
_STYLE = (
    "body{font:16px/1.5 sans-serif;margin:2em;max-width:110em}section{overflow-x:auto}"
    "table{border-collapse:collapse;font-size:90%}td,th{border:1px solid #bbb;padding:.3em .5em;"
    "text-align:left;vertical-align:top;max-width:40em;white-space:pre-wrap}th{background:#eee}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page_begin(title: str, paragraphs: Sequence[str]) -> str:
    """Return the beginning of a page, up to its first section."""
    introduction = "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in paragraphs)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{introduction}"
    )


PAGE_END = "</body>\n</html>\n"


def link(path: str, text: str) -> str:
    """Return a paragraph with a link to another file of the export."""
    return f'<p><a href="{escape(path)}">{escape(text)}</a></p>\n'


def section(
    title: str,
    note: str,
    meanings: Mapping[str, str],
    rows: Iterable[RowMapping],
    *,
    count: int,
    file: str,
) -> Iterator[str]:
    """Yield the section of a table: its first rows, the others are in the file.

    meanings: of the columns to show, by name.
    """
    yield f"<section>\n<h2>{escape(title)}</h2>\n<p>{escape(note)}</p>\n"
    if count == 0:
        yield "<p>Nothing is stored.</p>\n</section>\n"
        return
    heads = "".join(
        f'<th title="{escape(meaning)}">{escape(in_words(name))}</th>'
        for name, meaning in meanings.items()
    )
    yield f"<table>\n<tr>{heads}</tr>\n"
    for row in rows:
        cells = "".join(f"<td>{escape(_shown(row[name]))}</td>" for name in meanings)
        yield f"<tr>{cells}</tr>\n"
    yield "</table>\n"
    if count > MAX_ROWS:
        yield f"<p>{MAX_ROWS} of {count} rows are shown; all are in {escape(file)}.</p>\n"
    yield "</section>\n"


def in_words(name: str) -> str:
    """Return the name of a column as words."""
    return name.replace("_", " ")


def _shown(value: Any) -> str:
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = f"{value:%Y-%m-%d %H:%M:%S} UTC"
        case Enum():
            text = str(value.value)
        case dict() | list():
            text = orjson.dumps(value).decode()
        case _:
            text = str(value)
    is_long = len(text) > _MAX_LETTERS
    return f"{text[:_MAX_LETTERS]} ... (in full in the JSON file)" if is_long else text

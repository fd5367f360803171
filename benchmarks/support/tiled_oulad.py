"""OULAD's real rows, tiled to the published size.

Only the file of clicks is incomplete. Its students are copied under other numbers, with all their
rows, up to the published number of enrolments. Further copies of the clicks go to enrolments
without clicks, on resources of their own course.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from veritas_cli.oulad.csv_files import FILES, OuladFiles

PUBLISHED_CLICKS = 10_655_280
PUBLISHED_ENROLMENTS = 32_593
# Beyond all real numbers of students.
_APART = 10_000_000
_SHARED = ("courses.csv", "assessments.csv", "vle.csv")
_CLICKS, _INFO, _WORK = "studentVle.csv", "studentInfo.csv", "assessments.csv"

Table = list[list[str]]


def tile(source: Path, folder: Path, clicks: int) -> None:
    """Write OULAD's files into the folder, with so many clicks; 0: only those of the source."""
    files = OuladFiles(source)
    tables = {name: list(_read(files, name)) for name in FILES}
    wanted = clicks or len(tables[_CLICKS])
    enrolments = _enrolments(tables)
    students = 1
    if clicks > len(tables[_CLICKS]):
        lacking = PUBLISHED_ENROLMENTS - len(tables[_INFO])
        students += max(0, lacking) // len(enrolments)
    for name in FILES:
        if name == _CLICKS:
            rows: Iterable[list[str]] = islice(_clicks(tables, enrolments, students), wanted)
        elif name in _SHARED:
            rows = tables[name]
        else:
            rows = _copied(tables, name, files.header(name), students)
        _write(folder / name, files.header(name), rows)


def _enrolments(tables: Mapping[str, Table]) -> dict[tuple[str, ...], int]:
    """Return the enrolments with clicks: module, presentation and student, each with its index."""
    found: dict[tuple[str, ...], int] = {}
    for row in tables[_CLICKS]:
        found.setdefault((row[0], row[1], row[2]), len(found))
    return found


def _copied(
    tables: Mapping[str, Table], name: str, header: Sequence[str], students: int
) -> Iterator[list[str]]:
    courses = {tuple(row[:2]) for row in tables[_CLICKS]}
    work = {row[2] for row in tables[_WORK] if tuple(row[:2]) in courses}
    place = header.index("id_student")
    yield from tables[name]
    for copy in range(1, students):
        for row in tables[name]:
            if tuple(row[:2]) in courses or row[0] in work:
                yield [*row[:place], _number(row[place], copy), *row[place + 1 :]]


def _number(student: str, copy: int) -> str:
    return str(int(student) + copy * _APART)


def _clicks(
    tables: Mapping[str, Table], enrolments: Mapping[tuple[str, ...], int], students: int
) -> Iterator[list[str]]:
    rows = tables[_CLICKS]
    for copy in range(students):
        yield from ([*row[:2], _number(row[2], copy), *row[3:]] if copy else row for row in rows)
    sites: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for row in tables["vle.csv"]:
        sites[row[1], row[2]].append(row[0])
    keys = ((row[0], row[1], row[2]) for row in tables[_INFO])
    others = [key for key in keys if key not in enrolments and key[:2] in sites]
    copy = 0
    while others:
        for row in rows:
            place = copy * len(enrolments) + enrolments[row[0], row[1], row[2]]
            module, presentation, student = others[place % len(others)]
            own = sites[module, presentation]
            yield [module, presentation, student, own[int(row[3]) % len(own)], *row[4:]]
        copy += 1


def _read(files: OuladFiles, name: str) -> Iterator[list[str]]:
    with files.records(name, files.header(name)) as records:
        yield from (list(values) for _, values in records if values is not None)


def _write(path: Path, header: Sequence[str], rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(header)
        writer.writerows(rows)

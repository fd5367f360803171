"""Reader of OneRoster exports: archives, manifests and the habits of real exports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.oneroster_files import (
    as_1_2,
    manifest,
    small_school,
    texts,
    write_folder,
    write_zip,
)
from tests.support.oneroster_reading import Staged, staged
from veritas_cli.oneroster.reading.account import Account
from veritas_cli.oneroster.reading.archive import Archive
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.manifest import Mode, read_manifest
from veritas_cli.oneroster.reading.reader import read_files
from veritas_cli.oneroster.reading.staging import Staging


def without_lines(rows: Staged) -> list[tuple[File, str, dict[str, str]]]:
    return [(file, row.id, row.cells) for file, own in rows.items() for row in own]


def test_a_folder_and_a_zip_have_the_same_rows(tmp_path: Path) -> None:
    contents = texts(small_school())
    within = {f"export/{name}": content for name, content in contents.items()}
    within["__MACOSX/export/._users.csv"] = "\x00"

    folder, account = staged(write_folder(tmp_path / "folder", contents), tmp_path)

    assert staged(write_zip(tmp_path / "flat.zip", contents), tmp_path)[0] == folder
    assert staged(write_zip(tmp_path / "nested.zip", within), tmp_path)[0] == folder
    assert [len(folder[file]) for file in File] == [2, 2, 1, 2, 0, 4, 3, 1, 1, 1, 2]
    assert (account.refused, account.of("users.csv").read) == (0, 4)


def test_both_versions_have_the_same_roles_of_users(tmp_path: Path) -> None:
    found = []
    for number, files in enumerate((small_school(), as_1_2(small_school()))):
        archive = Archive(write_folder(tmp_path / str(number), texts(files)))
        with Staging.opened(tmp_path / str(number)) as staging:
            read_files(archive, read_manifest(archive), staging, Account())
            found.append(staging.roles(["st-1", "te-1", "gu-1"]))

    assert found[0] == found[1]
    assert [one.role for one in found[0]["gu-1"]] == ["parent"]


def _headers_in_capitals(text: str) -> str:
    header, _, rest = text.partition("\r\n")
    return f"{header.upper().replace(',', ' , ')}\r\n{rest}"


def _trailing_columns(text: str) -> str:
    return text.replace("\r\n", ",,\r\n")


def _quoted(text: str) -> str:
    return "\r\n".join(
        line if '"' in line else ",".join(f'"{cell}"' for cell in line.split(","))
        for line in text.rstrip().split("\r\n")
    )


HABITS: dict[str, Callable[[str], str]] = {
    "headers in capitals": _headers_in_capitals,
    "trailing columns": _trailing_columns,
    "quoted cells": _quoted,
    "byte order mark": lambda text: "\ufeff" + text,
    "LF": lambda text: text.replace("\r\n", "\n"),
    "CR": lambda text: text.replace("\r\n", "\r"),
    "blank lines": lambda text: text.replace("\r\n", "\r\n\r\n"),
    "misspelt column": lambda text: text.replace("dateLastModified", "dataLastModified"),
    "columns of its own": lambda text: text.replace("dateLastModified", "metadata.local"),
}


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS)
def test_habits_of_exports_change_nothing(tmp_path: Path, habit: Callable[[str], str]) -> None:
    contents = texts(small_school())
    other = {name: habit(text) for name, text in contents.items()}

    plain, _ = staged(write_folder(tmp_path / "plain", contents), tmp_path)
    read, account = staged(write_folder(tmp_path / "other", other), tmp_path)

    assert without_lines(read) == without_lines(plain)
    assert account.notes == []


def test_line_breaks_in_cells_count_as_lines_of_their_row(tmp_path: Path) -> None:
    contents = texts(small_school())
    contents["users.csv"] = contents["users.csv"].replace("Ada", '"A\r\nda"').replace("Bo", "")

    rows, _ = staged(write_folder(tmp_path / "export", contents), tmp_path)

    users = {row.id: row for row in rows[File.USERS]}
    assert users["st-1"].cells["givenName"] == "A\r\nda"
    assert [users[id_].line for id_ in ("st-1", "st-2", "te-1")] == [2, 4, 5]


def test_misspelt_preferred_names_are_read(tmp_path: Path) -> None:
    files = as_1_2(small_school())
    files["users"][0]["preferredGivenName"] = "Addie"
    contents = texts(files)
    contents["users.csv"] = contents["users.csv"].replace("preferredG", "prefferedG")

    rows, _ = staged(write_folder(tmp_path / "export", contents), tmp_path)

    assert rows[File.USERS][1].cells["preferredGivenName"] == "Addie"


def test_windows_1252_is_read_with_a_note(tmp_path: Path) -> None:
    contents = texts(small_school())
    raw = contents["users.csv"].replace("Ada", "Zoë").encode("windows-1252")

    folder = write_folder(tmp_path / "export", {**contents, "users.csv": raw})
    rows, account = staged(folder, tmp_path)

    assert rows[File.USERS][1].cells["givenName"] == "Zoë"
    assert account.notes == ["users.csv is not UTF-8 and was read as Windows-1252."]


def test_a_nul_after_a_byte_order_mark_is_refused_with_its_line(tmp_path: Path) -> None:
    contents = texts(small_school())
    contents["users.csv"] = "\ufeff" + contents["users.csv"].replace("Tess", "T\x00ss")

    _, account = staged(write_folder(tmp_path / "export", contents), tmp_path)

    [refusal] = account.of("users.csv").first_refusals()
    assert (refusal.line, refusal.reason) == (4, "a cell must not contain the NUL character")


def test_a_large_file_is_read_in_blocks_with_its_lines(tmp_path: Path) -> None:
    files = small_school()
    one = files["users"][1]
    files["users"] = [
        {**one, "sourcedId": f"u{n}", "givenName": 'Bo "B"\nBo' if n % 9 == 0 else "Bo" * 20}
        for n in range(20_000)
    ]

    rows, account = staged(write_zip(tmp_path / "export.zip", texts(files)), tmp_path)

    users = {row.id: row for row in rows[File.USERS]}
    assert (account.of("users.csv").read, len(users)) == (20_000, 20_000)
    for number in (0, 1, 9_000, 19_999):
        row = users[f"u{number}"]
        assert row.line == 2 + number + (number + 8) // 9
        assert row.cells["givenName"] == files["users"][number]["givenName"]


def test_without_a_manifest_all_files_count_as_bulk(tmp_path: Path) -> None:
    contents = texts(small_school())
    del contents["manifest.csv"]

    found = read_manifest(Archive(write_folder(tmp_path / "export", contents)))

    assert (found.version, set(found.modes.values()), found.system) == ("1.1", {Mode.BULK}, None)
    assert found.notes == ("There is no manifest.csv: all files count as bulk.",)


def test_files_that_are_not_imported_are_noted(tmp_path: Path) -> None:
    files = as_1_2(small_school())
    contents = texts(files)
    contents["userProfiles.csv"] = "sourcedId\r\n"
    contents["manifest.csv"] = manifest({name: "delta" for name in files if name != "orgs"}, "1.2")

    found = read_manifest(Archive(write_folder(tmp_path / "export", contents)))

    assert found.notes == (
        "userProfiles.csv has nothing that is imported.",
        "orgs.csv is left out: manifest.csv has it as absent.",
    )
    assert (found.version, found.system, found.mode(File.ROLES)) == (
        "1.2",
        "Example SIS",
        Mode.DELTA,
    )


def test_rows_without_an_id_of_their_own_are_refused(tmp_path: Path) -> None:
    files = small_school()
    files["courses"] += [
        files["courses"][0],
        {**files["courses"][0], "sourcedId": ""},
        {**files["courses"][0], "sourcedId": "a/b"},
        {**files["courses"][0], "sourcedId": "co-2", "status": "gone"},
    ]
    files["users"][0]["role"] = "wizard"
    contents = texts(files)
    contents["courses.csv"] += "co-9,,\r\n"

    rows, account = staged(write_folder(tmp_path / "export", contents), tmp_path)

    assert [row.id for row in rows[File.COURSES]] == ["co-1"]
    courses = account.of("courses.csv")
    assert (courses.read, courses.refused) == (6, 5)
    assert [(one.line, one.column) for one in courses.first_refusals()] == [
        (3, "sourcedId"),
        (4, "sourcedId"),
        (5, "sourcedId"),
        (6, "status"),
        (7, None),
    ]
    assert account.of("users.csv").first_refusals()[0].column == "role"

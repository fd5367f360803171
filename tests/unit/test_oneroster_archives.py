"""Hostile and damaged archives of OneRoster exports."""

from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import pytest

from tests.support.oneroster_files import small_school, table, texts, write_folder, write_zip
from tests.support.oneroster_reading import staged
from veritas_cli.oneroster.reading.archive import OneRosterError


def refusal(path: Path, folder: Path) -> str:
    with pytest.raises(OneRosterError) as refused:
        staged(path, folder)
    text = str(refused.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("manifest.csv", "propertyName,value\noneroster.version,2.0\nfile.orgs,bulk\n", "version"),
        ("manifest.csv", "propertyName,value\noneroster.version,1.1\n", "no file as bulk"),
        ("manifest.csv", "propertyName,value\nfile.orgs,most\n", "none of absent, bulk, delta"),
        ("manifest.csv", "propertyName,value\nfile.roles,bulk\n", "which is not there"),
        ("users.csv", "", "is empty"),
        ("users.csv", "sourcedId,givenName\r\n1,Ada\r\n", "no column familyName"),
        ("users.csv", "sourcedId,sourcedId,givenName,familyName\r\n", "a column twice"),
        ("users.csv", 'sourcedId,givenName,familyName\r\n1,"Ada,B\r\n', "not closed"),
        ("users.csv", b"sourcedId,givenName,familyName\r\n1,\x81,B\r\n", "neither UTF-8"),
        ("users.csv", b"s\x00o\x00u\x00r\x00", "NUL"),
        ("USERS.CSV", "", "twice"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value)[:20],
)
def test_unusable_files_are_refused(
    tmp_path: Path, name: str, content: str | bytes, reason: str
) -> None:
    contents = {**texts(small_school()), name: content}

    assert reason in refusal(write_zip(tmp_path / "export.zip", contents), tmp_path)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["../users.csv"], "leads out"),
        (["/users.csv"], "leads out"),
        (["a\\users.csv"], "leads out"),
        (["a/b/users.csv"], "nested"),
        (["a/users.csv", "b/orgs.csv"], "nested"),
        ([f"{n}.txt" for n in range(1001)], "entries"),
    ],
)
def test_unsafe_zips_are_refused(tmp_path: Path, names: list[str], reason: str) -> None:
    path = write_zip(tmp_path / "export.zip", dict.fromkeys(names, ""))

    assert reason in refusal(path, tmp_path)


def test_a_zip_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive, archive.open("users.csv", "w") as member:
        for _ in range(64):
            member.write(b"0" * 1024**2)

    assert "times larger unpacked" in refusal(path, tmp_path)


def test_a_member_with_another_compression_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with ZipFile(path, "w", ZIP_BZIP2) as archive:
        archive.writestr("users.csv", "sourcedId\n")

    assert "another method" in refusal(path, tmp_path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "export.zip", {"users.csv": "sourcedId\n"})
    raw = bytearray(path.read_bytes())
    # The flags of the entry in the central directory.
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)

    assert "encrypted" in refusal(path, tmp_path)


def test_damaged_archives_and_other_paths_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "export.zip", texts(small_school()))
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "empty").mkdir()

    assert "cut off" in refusal(path, tmp_path)
    assert "neither a zip nor a folder" in refusal(tmp_path / "text.zip", tmp_path)
    assert "no file" in refusal(tmp_path / "none.zip", tmp_path)
    assert "no file of OneRoster" in refusal(tmp_path / "empty", tmp_path)


def test_a_link_out_of_a_folder_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "export", texts(small_school()))
    outside = tmp_path / "outside.csv"
    outside.write_text(table([{"sourcedId": "1"}]))
    (folder / "orgs.csv").unlink()
    (folder / "orgs.csv").symlink_to(outside)

    assert "no file of this folder" in refusal(folder, tmp_path)

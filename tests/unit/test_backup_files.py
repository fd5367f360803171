"""Backup files and client programs, without a server."""

import errno
import io
import os
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import make_url

from shared_db.errors import ConfigurationError
from veritas_cli.dump.archive import new_archive
from veritas_cli.dump.client_tools import libpq_environment
from veritas_cli.dump.transfer import Transfer


def refuse_links(*_paths: Path) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.mark.parametrize("has_links", [True, False])
def test_the_first_of_two_backups_with_one_name_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", refuse_links)
    file = tmp_path / "school.veritas"
    with (
        pytest.raises(ConfigurationError, match="exists already"),
        new_archive(file) as late,
    ):
        late.writestr("of", "late")
        with new_archive(file) as first:
            first.writestr("of", "first")

    with ZipFile(file) as archive:
        assert archive.read("of") == b"first"
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_error_of_a_program_shows_no_row(tmp_path: Path) -> None:
    program = tmp_path / "pg_restore"
    program.write_text(
        "#!/bin/sh\n"
        "echo 'pg_restore: error: COPY failed for table \"drafts\"' >&2\n"
        "echo 'CONTEXT:  COPY drafts, line 1: \"Ada made an error: FATAL: \"' >&2\n"
        "exit 1\n"
    )
    program.chmod(0o755)

    with pytest.raises(ConfigurationError) as refusal:
        Transfer([str(program)], {}, print).read_into(io.BytesIO())

    said = 'pg_restore failed: pg_restore: error: COPY failed for table "drafts"'
    assert str(refusal.value) == said


def test_the_programs_get_the_parameters_of_the_url() -> None:
    url = make_url(
        "postgresql://ada@db/school?options=-c%20search_path%3Dx&sslcrl=/crl.pem"
        "&ssl_min_protocol_version=TLSv1.3"
    )

    environment = libpq_environment(url)

    assert environment["PGOPTIONS"] == "-c search_path=x"
    assert environment["PGSSLCRL"] == "/crl.pem"
    assert environment["PGSSLMINPROTOCOLVERSION"] == "TLSv1.3"

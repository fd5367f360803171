"""Log of erasures: whole lines, once each, for its owner only."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared_db.errors import ConfigurationError
from shared_db.pseudonyms import pseudonym_of
from shared_db.retention.erasure_log import ErasureLog

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def entries(*numbers: int) -> dict[str, datetime]:
    return {pseudonym_of(f"s{number}"): NOON for number in numbers}


@pytest.fixture
def log(tmp_path: Path) -> ErasureLog:
    return ErasureLog(tmp_path / "erasures.log")


def test_entries_are_added_once(log: ErasureLog) -> None:
    assert log.read() == {}
    assert log.add({}) == 0
    assert not log.file.exists()
    assert log.add(entries(1, 2)) == 2
    assert log.add(entries(2, 3)) == 1

    assert log.read() == entries(1, 2, 3)
    assert stat.S_IMODE(log.file.stat().st_mode) == 0o600


def test_an_entry_that_was_cut_off_is_replaced(log: ErasureLog) -> None:
    log.add(entries(1, 2))
    content = log.file.read_bytes()
    log.file.write_bytes(content[:-5])

    assert len(log.read()) == 1
    assert log.add(entries(1, 2)) == 1
    assert sorted(log.file.read_bytes().splitlines()) == sorted(content.splitlines())


@pytest.mark.parametrize(
    "line",
    ["", "s001", "2026-11-29T12:00:00 " + pseudonym_of("s1"), "never " + pseudonym_of("s1")],
)
def test_a_line_that_is_no_entry_is_named_by_its_number(log: ErasureLog, line: str) -> None:
    log.add(entries(1))
    with log.file.open("a") as file:
        file.write(f"{line}\n")

    with pytest.raises(ConfigurationError, match="line 2"):
        log.read()
    with pytest.raises(ConfigurationError, match="line 2"):
        log.add(entries(2))


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        ErasureLog(tmp_path / "no" / "erasures.log").add(entries(1))


def test_writers_at_once_lose_no_entry(log: ErasureLog) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: log.add(entries(number, number + 1)), range(40)))

    assert log.read() == entries(*range(41))
    assert len(log.file.read_bytes().splitlines()) == 41

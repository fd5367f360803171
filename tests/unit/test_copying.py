"""Text format of COPY: for every value, a line is a row and a tab ends a field."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Boolean, Double, Integer, LargeBinary, Text

from monitoring_service.domain.findings import HealthStatus
from shared_db.columns import Json, UtcDateTime, enum_column
from shared_db.writes.copy_from import encoder_of

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}


def as_copy_reads(field: str) -> str | None:
    """Return the value of a field of the text format, by PostgreSQL's documentation of COPY."""
    if field == r"\N":
        return None
    characters = iter(field)
    return "".join(_ESCAPES[next(characters)] if c == "\\" else c for c in characters)


@given(TEXTS)
def test_a_text_comes_back_as_it_was(value: str) -> None:
    field = encoder_of(Text())(value)

    assert not set(field) & {"\n", "\r", "\t"}
    assert as_copy_reads(field) == value


@given(st.dictionaries(TEXTS, st.one_of(TEXTS, st.lists(TEXTS), st.none(), st.booleans())))
def test_json_comes_back_as_it_was(value: dict[str, Any]) -> None:
    field = encoder_of(Json)(value)

    assert not set(field) & {"\n", "\r", "\t"}
    assert json.loads(as_copy_reads(field) or "") == value


@given(st.binary())
def test_bytes_are_hexadecimal(value: bytes) -> None:
    assert as_copy_reads(encoder_of(LargeBinary())(value)) == rf"\x{value.hex()}"


@given(st.floats(allow_nan=False))
def test_a_number_loses_no_digit(value: float) -> None:
    assert float(encoder_of(Double())(value)) == value


def test_null_differs_from_every_text() -> None:
    kinds = (Text(), Json, LargeBinary(), Boolean(), Integer(), UtcDateTime())
    assert {encoder_of(kind)(None) for kind in kinds} == {r"\N"}
    assert encoder_of(Text())("") == ""
    assert encoder_of(Text())(r"\N") == r"\\N"
    assert encoder_of(Text())("NULL") == "NULL"


def test_other_column_types() -> None:
    noon = datetime.fromisoformat("2026-03-02T13:00:00.000001+01:00")

    assert encoder_of(UtcDateTime())(noon) == noon.isoformat()
    assert encoder_of(Boolean())(True) == "t"
    assert encoder_of(Integer())(-7) == "-7"
    assert encoder_of(enum_column(HealthStatus))(HealthStatus.WARNING) == "WARNING"


@pytest.mark.parametrize("value", ["a\0b", "\0"])
def test_a_text_that_cannot_be_stored_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="NUL"):
        encoder_of(Text())(value)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        encoder_of(UtcDateTime())(datetime.fromisoformat("2026-03-02T13:00:00"))

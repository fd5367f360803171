"""Texts of mails to staff, and the addresses to which they may go."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

ADDRESS_LENGTH = 254
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[A-Za-z0-9.-]+")
_MONDAY = 0


@dataclass(frozen=True)
class DigestLine:
    """Line of a digest; student_id: of its student, None for nobody."""

    text: str
    student_id: str | None = None


@dataclass(frozen=True)
class DigestSection:
    """Heading with its lines."""

    title: str
    lines: Sequence[DigestLine]


@dataclass(frozen=True)
class DigestText:
    """Weekly digest; opening and closing stand before and after the sections."""

    subject: str
    opening: str
    sections: Sequence[DigestSection]
    closing: str

    @property
    def student_ids(self) -> set[str]:
        """Students in the lines."""
        lines = (line for section in self.sections for line in section.lines)
        return {line.student_id for line in lines if line.student_id is not None}

    def without(self, student_ids: Collection[str]) -> "DigestText":
        """Return the digest without these students and the sections that are then empty."""
        kept = [
            DigestSection(
                section.title, [one for one in section.lines if one.student_id not in student_ids]
            )
            for section in self.sections
        ]
        sections = [section for section in kept if section.lines]
        return DigestText(self.subject, self.opening, sections, self.closing)

    @property
    def body(self) -> str:
        """Plain text of the mail."""
        parts = [self.opening]
        for section in self.sections:
            lines = [f"- {_one_line(line.text)}" for line in section.lines]
            parts.append("\n".join([_one_line(section.title), *lines]))
        return "\n\n".join([*parts, self.closing]) + "\n"


def is_plain_address(address: str) -> bool:
    """Return True for an address that a header of a mail may contain as it is."""
    is_short = address.isascii() and len(address) <= ADDRESS_LENGTH
    return is_short and _ADDRESS.fullmatch(address) is not None


def is_monday(day: date) -> bool:
    """Return True for the first day of a week."""
    return day.weekday() == _MONDAY


def _one_line(text: str) -> str:
    return " ".join(text.split())

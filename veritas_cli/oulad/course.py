"""Name and calendar of a course of OULAD, the Open University Learning Analytics Dataset.

Kuzilek, Hlosta, Zdrahal 2017, Scientific Data 4:170171. Days count from the course's first, which
is day 0; days before it are negative.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

_FIRST_MONTH = {"B": 2, "J": 10}
_LAST_SECOND = time(23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class CourseName:
    """Module and presentation; written AAA/2013J, as an id AAA-2013J."""

    module: str
    presentation: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the name, or None if it is not written as AAA/2013J."""
        match = re.fullmatch(r"([A-Za-z0-9]{1,20})/([12]\d{3}[BJ])", text, re.ASCII)
        return cls(match[1], match[2]) if match else None

    def __str__(self) -> str:
        return f"{self.module}/{self.presentation}"

    @property
    def id(self) -> str:
        """The name without the slash, which no id may contain."""
        return f"{self.module}-{self.presentation}"

    def date_of(self, day: int) -> date:
        """Return the date of a day: B begins on 1 February, J on 1 October."""
        first = date(int(self.presentation[:-1]), _FIRST_MONTH[self.presentation[-1]], 1)
        return first + timedelta(days=day)

    def noon_of(self, day: int) -> datetime:
        """Return noon in UTC, for records without an hour: the date is the same in Britain."""
        return datetime.combine(self.date_of(day), time(12, tzinfo=UTC))

    def end_of(self, day: int) -> datetime:
        """Return the day's last second."""
        return datetime.combine(self.date_of(day), _LAST_SECOND)

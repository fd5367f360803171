"""Filled-in forms of keys and roles, and the problems of their fields."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from veritas_web.domain.marked import N_

_ROLE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
LONGEST_NAME = 200
SHORTEST_DAYS, LONGEST_DAYS = 1, 30
SHORTEST_GROUND, LONGEST_GROUND = 10, 500
LONGEST_REASON = 1000
_WITHOUT_RIGHT = N_("Choose at least one right.")


@dataclass(frozen=True)
class RoleForm:
    """Role of the school's own."""

    name: str = ""
    permissions: frozenset[str] = frozenset()
    sees_all: bool = False

    def problems(self, taken: Iterable[str] = ()) -> dict[str, str]:
        """Return the problems by field; taken: names that a new role cannot have."""
        found = {}
        if not _ROLE_NAME.fullmatch(self.name):
            found["name"] = N_("Use small letters, digits, _ and -, at most 50, a letter first.")
        elif self.name in taken:
            found["name"] = N_("There is a role of this name. Change that one, or take another.")
        if not self.permissions:
            found["permissions"] = _WITHOUT_RIGHT
        return found

    def body(self) -> dict[str, Any]:
        """Return the role to send."""
        return {"permissions": sorted(self.permissions), "sees_all": self.sees_all}


@dataclass(frozen=True)
class KeyForm:
    """Key of a system; last_day: as it was typed; addresses: one a line."""

    name: str = ""
    scopes: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    last_day: str = ""
    addresses: str = ""

    def problems(self, today: date) -> dict[str, str]:
        """Return the problems by field."""
        found = {}
        if not self.name or len(self.name) > LONGEST_NAME or not self.name.isprintable():
            found["name"] = N_("Name the system that gets the key, in at most 200 characters.")
        elif "/" in self.name or "\\" in self.name:
            found["name"] = N_("A name has no stroke: / and backslash are not possible.")
        if not self.scopes and not self.permissions:
            found["permissions"] = _WITHOUT_RIGHT
        if self.last_day and (self.day is None or self.day < today):
            found["last_day"] = N_("Choose today or a later day, or leave it empty.")
        if not all(map(_is_network, self.networks)):
            found["addresses"] = N_("Write addresses or networks, as 10.0.0.0/8, one a line.")
        return found

    @property
    def day(self) -> date | None:
        """Last day of the key; None: there is none, or it is no day."""
        try:
            return date.fromisoformat(self.last_day)
        except ValueError:
            return None

    @property
    def networks(self) -> list[str]:
        """Addresses and networks of the callers."""
        return self.addresses.replace(",", " ").split()

    def body(self, zone: ZoneInfo) -> dict[str, Any]:
        """Return the key to send; zone: in which its last day ends."""
        body: dict[str, Any] = {
            "name": self.name,
            "scopes": sorted(self.scopes),
            "permissions": sorted(self.permissions),
            "addresses": self.networks,
        }
        if self.day is not None:
            end = datetime.combine(self.day + timedelta(days=1), time(), zone)
            body["expires_at"] = end.isoformat()
        return body


def days_problem(days: str) -> str | None:
    """Return the problem of the days for which an invitation is valid, if any."""
    if days.isascii() and days.isdigit() and SHORTEST_DAYS <= int(days) <= LONGEST_DAYS:
        return None
    return N_("An invitation is valid for 1 to 30 days.")


def ground_problem(reason: str) -> str | None:
    """Return the problem of the reason of an opening, if any."""
    if SHORTEST_GROUND <= len(reason) <= LONGEST_GROUND:
        return None
    return N_("Write the reason in 10 to 500 characters: others read it.")


def reason_problem(reason: str) -> str | None:
    """Return the problem of the reason of a hold, if any."""
    if 1 <= len(reason) <= LONGEST_REASON:
        return None
    return N_("Write the reason, in at most 1000 characters.")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True

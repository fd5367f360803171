"""Services and their background work in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veritas_web.domain.system.words import CHECKS


@dataclass(frozen=True)
class ServiceState:
    """State of a service; status: None if it does not answer. about: texts of its warnings."""

    name: str
    status: str | None
    about: Sequence[str] = ()


def service_state(name: str, health: Mapping[str, Any] | None) -> ServiceState:
    """Return the state of a service from its answer to `/health`."""
    if health is None or health.get("status") not in {"pass", "warn", "fail"}:
        return ServiceState(name, None)
    warned = [
        check.partition(":")[0]
        for check, found in health.get("checks", {}).items()
        if any(one.get("status") != "pass" for one in found)
    ]
    about = [CHECKS[one] for one in dict.fromkeys(warned) if one in CHECKS]
    return ServiceState(name, health["status"], about)


@dataclass(frozen=True)
class WorkRow:
    """Piece of background work; runs: consecutive ones without success."""

    service: str
    name: str
    is_late: bool
    runs: int
    last_success_at: str | None
    next_run_at: str | None
    last_error: str | None
    last_error_at: str | None


def work_rows(items: Iterable[Mapping[str, Any]]) -> list[WorkRow]:
    """Return the background work, that with a warning first."""
    rows = [
        WorkRow(
            service=one["service"],
            name=one["name"],
            is_late=one["status"] != "pass",
            runs=one["failures"],
            last_success_at=one["last_success_at"],
            next_run_at=one["next_run_at"],
            last_error=one["last_error"],
            last_error_at=one["last_error_at"],
        )
        for one in items
    ]
    return sorted(rows, key=lambda row: (not row.is_late, row.service, row.name))

"""Incidents of both causes: opened, counted, closed and handled, on both stores."""

from datetime import datetime, timedelta

import pytest

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.domain.incidents import (
    CRITICAL_EVENTS,
    SILENT,
    SOURCE_HEALTH,
    STABLE,
    IncidentState,
    Resolution,
)
from monitoring_service.errors import IncidentNoteExists, IncidentNotFound, IncidentOver
from monitoring_service.models import MonitoringIncident
from shared_db.queries.dialects import Operator
from shared_db.queries.filters import Filter
from tests.support.factories import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def send(
    manager: MonitoringDatabase, *minutes: float, level: str = "FATAL", source: str = "db"
) -> None:
    """Store an event for each of these minutes after noon."""
    manager.events.add_many(
        [
            EventToStore(source, "job", data={"level": level}, timestamp=NOON + minute * MINUTE)
            for minute in minutes
        ]
    )


def incidents(
    manager: MonitoringDatabase, cause: str = CRITICAL_EVENTS
) -> list[MonitoringIncident]:
    """Return the incidents of a cause, the first opened first."""
    return [one for one in reversed(manager.incidents.search().items) if one.cause == cause]


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def test_an_incident_opens_with_three_of_five_critical_events(
    monitoring: MonitoringDatabase,
) -> None:
    send(monitoring, 0, 1)
    send(monitoring, 2, 3, level="INFO")
    assert monitoring.incident_work.run(at(3)) == 2
    assert incidents(monitoring) == []
    send(monitoring, 4, 5)
    monitoring.incident_work.run(at(5))

    [one] = incidents(monitoring)

    assert (one.source, one.state, one.event_count) == ("db", IncidentState.OPEN, 4)
    assert (one.first_seen_at, one.last_seen_at, one.opened_at) == (at(0), at(5), at(5))
    assert (one.worst_severity, one.cause_values) == (1.0, {"events": 3, "latest": 5})
    assert monitoring.incident_work.run(at(6)) == 0
    assert incidents(monitoring)[0].event_count == 4


def test_a_source_that_changes_to_and_fro_is_one_incident(monitoring: MonitoringDatabase) -> None:
    for minute in range(0, 100, 10):
        send(monitoring, *(minute + n / 10 for n in range(5)))
        send(monitoring, *(minute + 5 + n / 10 for n in range(20)), level="INFO")
        monitoring.incident_work.run(at(minute + 8))

    [one] = incidents(monitoring)
    assert (one.event_count, one.state) == (50, IncidentState.OPEN)


def test_a_few_critical_events_among_many_open_nothing(monitoring: MonitoringDatabase) -> None:
    for minute in range(0, 60, 10):
        send(monitoring, minute)
        send(monitoring, *(minute + n for n in range(1, 6)), level="INFO")
    monitoring.incident_work.run(at(61))

    assert monitoring.incidents.search().items == []


def test_it_closes_after_a_stable_time_and_late_events_are_counted(
    monitoring: MonitoringDatabase,
) -> None:
    send(monitoring, 0, 1, 2)
    monitoring.incident_work.run(at(2))
    send(monitoring, 20, level="INFO")
    monitoring.incident_work.run(at(31))
    [waiting] = incidents(monitoring)
    monitoring.incident_work.run(at(50))
    [closed] = incidents(monitoring)
    send(monitoring, -10, 1.5)
    monitoring.incident_work.run(at(51))
    [later] = incidents(monitoring)

    assert waiting.state is IncidentState.OPEN
    assert (closed.state, closed.resolution) == (IncidentState.RESOLVED, Resolution.STABLE)
    assert (closed.resolved_at, closed.resolved_by) == (at(2) + STABLE, None)
    assert (later.event_count, later.first_seen_at) == (5, at(-10))
    assert later.resolved_at == closed.resolved_at


def test_a_source_that_is_not_heard_is_not_called_stable(monitoring: MonitoringDatabase) -> None:
    send(monitoring, 0, 1, 2)
    monitoring.incident_work.run(at(2))
    monitoring.incident_work.run(at(2) + SILENT - MINUTE)
    [waiting] = incidents(monitoring)
    monitoring.incident_work.run(at(2) + SILENT)
    [closed] = incidents(monitoring)

    assert (waiting.state, waiting.severity) == (IncidentState.OPEN, None)
    assert (closed.resolution, closed.resolved_at) == (Resolution.SILENT, at(2) + SILENT)


def test_events_from_before_an_open_incident_are_one_that_is_over(
    monitoring: MonitoringDatabase,
) -> None:
    send(monitoring, 0, 1, 2)
    monitoring.incident_work.run(at(2))
    send(monitoring, *range(-600, -500, 10))
    monitoring.incident_work.run(at(3))

    late, _ = sorted(incidents(monitoring), key=lambda one: one.first_seen_at)
    assert (late.state, late.event_count) == (IncidentState.RESOLVED, 10)
    assert (late.first_seen_at, late.resolved_at) == (at(-600), at(-510) + STABLE)


@pytest.mark.parametrize("order", [(2, 1, 0), (0, 2, 1), (1, 0, 2)])
def test_events_that_come_out_of_order_open_the_same_incident(
    monitoring: MonitoringDatabase, order: tuple[int, ...]
) -> None:
    send(monitoring, -2, -1, 3, 4, level="INFO")
    for minute in order:
        send(monitoring, minute)
        monitoring.incident_work.run(at(5))

    [one] = incidents(monitoring)
    assert (one.event_count, one.first_seen_at, one.last_seen_at) == (3, at(0), at(2))


def test_runs_that_end_early_lose_and_repeat_nothing(
    monitoring: MonitoringDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitoring_service.database.incidents.work.EVENTS_AT_ONCE", 4)
    send(monitoring, *range(10))
    send(monitoring, *range(10), source="web")
    counted = []
    for _ in range(7):
        # Each time as another process, which knows nothing of the one before.
        other = MonitoringDatabase(monitoring.database)
        counted.append(other.incident_work.run(at(10), most_batches=1))

    assert counted == [4, 4, 4, 4, 4, 0, 0]
    assert {one.source: one.event_count for one in incidents(monitoring)} == {"db": 10, "web": 10}


def test_a_batch_that_fails_is_repeated_as_a_whole(
    monitoring: MonitoringDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(monitoring, 0, 1, 2)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        # At the end of the transaction, when the events are marked.
        patch.setattr("monitoring_service.database.incidents.grouping._new", _broken)
        monitoring.incident_work.run(at(2))
    assert monitoring.incident_work.run(at(3)) == 3
    assert incidents(monitoring)[0].event_count == 3


def _broken(*_: object) -> None:
    raise RuntimeError("the process ends")


def test_lasting_bad_health_opens_an_incident_and_a_short_one_none(
    monitoring: MonitoringDatabase,
) -> None:
    send(monitoring, 0, level="ERROR")
    monitoring.incident_work.run(at(0))
    short = incidents(monitoring, SOURCE_HEALTH)
    send(monitoring, *range(1, 8), level="ERROR")
    monitoring.incident_work.run(at(7))
    [opened] = incidents(monitoring, SOURCE_HEALTH)
    send(monitoring, 8, level="ERROR")
    monitoring.incident_work.run(at(8))
    [counted] = incidents(monitoring, SOURCE_HEALTH)
    send(monitoring, *range(9, 60), level="INFO")
    monitoring.incident_work.run(at(59))
    [closed] = incidents(monitoring, SOURCE_HEALTH)

    assert short == []
    assert (opened.event_count, opened.first_seen_at, opened.state) == (
        8,
        at(0),
        IncidentState.OPEN,
    )
    assert (counted.event_count, counted.last_seen_at) == (9, at(8))
    assert counted.worst_severity == counted.severity
    assert closed.resolution is Resolution.STABLE
    assert closed.severity is not None
    assert closed.severity < closed.worst_severity


def test_a_source_has_no_second_incident_for_its_health(monitoring: MonitoringDatabase) -> None:
    send(monitoring, *range(8))
    monitoring.incident_work.run(at(8))
    [one] = incidents(monitoring)
    monitoring.incidents.resolve(one.id, "ada", at(8))
    monitoring.incident_work.run(at(9))

    assert incidents(monitoring, SOURCE_HEALTH) == []
    # Trouble after that is another incident; three new events are needed.
    send(monitoring, 10, 11)
    monitoring.incident_work.run(at(11))
    assert len(incidents(monitoring)) == 1
    send(monitoring, 12)
    monitoring.incident_work.run(at(12))
    assert [each.event_count for each in incidents(monitoring)] == [8, 3]


def test_a_re_evaluation_repeats_no_event(monitoring: MonitoringDatabase) -> None:
    send(monitoring, 0, 1, 2, level="ERROR")
    monitoring.events.add_many(
        [EventToStore("api", "job", data={"x": 9}, timestamp=at(n)) for n in range(3)]
    )
    monitoring.incident_work.run(at(3))
    monitoring.thresholds.upsert("*", {"x": (1, 2)}, "test")
    monitoring.retention.reevaluate(10 * 366 * 24 * 60)

    assert monitoring.incident_work.run(at(4)) == 3
    assert [(one.source, one.event_count) for one in incidents(monitoring)] == [("api", 3)]


def test_persons_handle_an_incident_once(monitoring: MonitoringDatabase) -> None:
    send(monitoring, 0, 1, 2)
    send(monitoring, 3, level="ERROR")
    monitoring.incident_work.run(at(3))
    [one] = incidents(monitoring)
    acknowledged = monitoring.incidents.acknowledge(one.id, "ada", at(4))
    again = monitoring.incidents.acknowledge(one.id, "bob", at(5))
    note = monitoring.incidents.add_note(one.id, "ada", "the disk was full", "n1")
    repeated = monitoring.incidents.add_note(one.id, "ada", "the disk was full", "n1")
    send(monitoring, 6)
    monitoring.incident_work.run(at(6))
    resolved = monitoring.incidents.resolve(one.id, "ada", at(7))
    replayed = monitoring.incidents.resolve(one.id, "bob", at(8))
    details = monitoring.incidents.get(one.id)

    assert (acknowledged.is_replay, again.is_replay) == (False, True)
    assert (again.acknowledged_by, again.acknowledged_at) == ("ada", at(4))
    assert (note.is_replay, repeated.is_replay) == (False, True)
    assert (resolved.is_replay, replayed.is_replay) == (False, True)
    assert (replayed.resolved_by, replayed.resolution) == ("ada", Resolution.PERSON)
    assert (details.incident.event_count, len(details.events)) == (4, 4)
    assert [event.timestamp for event in details.events] == [at(6), at(2), at(1), at(0)]
    assert [each.text for each in details.notes] == ["the disk was full"]
    with pytest.raises(IncidentNoteExists):
        monitoring.incidents.add_note(one.id, "ada", "something else", "n1")


def test_an_incident_that_is_over_or_unknown_is_refused(monitoring: MonitoringDatabase) -> None:
    send(monitoring, 0, 1, 2)
    monitoring.incident_work.run(at(2))
    [one] = incidents(monitoring)
    monitoring.incidents.resolve(one.id, "ada", at(3))

    with pytest.raises(IncidentOver):
        monitoring.incidents.acknowledge(one.id, "ada")
    for call in (monitoring.incidents.get, lambda id_: monitoring.incidents.resolve(id_, "ada")):
        with pytest.raises(IncidentNotFound):
            call("nothing")


def test_incidents_are_filtered_and_paged(monitoring: MonitoringDatabase) -> None:
    for number, source in enumerate(("db", "web", "api")):
        send(monitoring, 0, 1, 2, source=source)
        monitoring.incident_work.run(at(3 + number))
    [first, *_] = incidents(monitoring)
    monitoring.incidents.resolve(first.id, "ada", at(9))

    open_ones = monitoring.incidents.search(filters=[Filter("state", Operator.NE, "resolved")])
    page = monitoring.incidents.search(limit=2)
    rest = monitoring.incidents.search(limit=2, after=page.next)

    assert [one.source for one in open_ones] == ["api", "web"]
    assert [one.source for one in (*page, *rest)] == ["api", "web", "db"]
    assert rest.next is None

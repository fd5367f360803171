"""Full-text search of events: both stores find the same words, also inside of names and paths."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.models import Base
from shared_db.connection.database import Database
from tests.support.factories import NOON

MESSAGES = {
    "cache": "Connection to cache/redis timed out",
    "node": "node-17 is full; see /var/log/cron.log!",
    "tag": "<timeout> after 30s [req=ab_12] (GET https://shop.example/cart?id=7)",
    "umlaut": "Übung „Größe“ \u2013 naïve, 日本語",
    "sentence": "the connection was restored, the disk is full",
    "numbers": "version 1.2.3 took 1,5e3 ms, exit=-9",
    "long": "x" * 3000 + " end",
    "marks": "?!",
    "none": None,
}
SEARCHES = {
    "redis": "cache",
    "cache/redis": "cache",
    "to cache": "cache",
    "CACHE or cron.log": "cache node",
    "17": "node",
    "node-17": "node",
    "cron.log": "node",
    "var/log": "node",
    "log.var": "",
    "timeout": "tag",
    "req": "tag",
    "12": "tag",
    "shop.example": "tag",
    "cart": "tag",
    "connection": "cache sentence",
    "connection -restored": "cache",
    "-restored connection": "cache",
    "connection -cache/redis": "sentence",
    '"is full"': "node sentence",
    '"full is"': "",
    "disk full": "sentence",
    "full - see": "node",
    "or": "",
    "full or": "",
    "redis or": "",
    "conn": "",
    "größe": "umlaut",
    "übung": "umlaut",
    "naïve": "umlaut",
    "1.2.3": "numbers",
    "5e3": "numbers",
    "9": "numbers",
    "end": "long",
    "x" * 900: "",
    "日" * 900 + " end": "long",
    "'!&|():*<->": "",
    "?!": "",
    '"': "",
    "-cache -node -timeout -größe -disk -version -end": "marks",
}


def ids(manager: MonitoringDatabase, search: str) -> list[str]:
    return sorted(log.id for log in manager.get_logs(text=search, count=False)[0])


def test_words_are_found_at_punctuation(monitoring: MonitoringDatabase) -> None:
    events = [
        EventToStore("api", "log", message=message, timestamp=NOON, event_id=id_)
        for id_, message in MESSAGES.items()
    ]
    monitoring.events.add_many(events)

    found = {search: ids(monitoring, search) for search in SEARCHES}

    assert found == {search: sorted(expected.split()) for search, expected in SEARCHES.items()}


@pytest.fixture(scope="module")
def in_memory() -> Iterator[MonitoringDatabase]:
    """Give a manager in memory."""
    database = Database.in_memory(Base.metadata)
    yield MonitoringDatabase(database)
    database.close()


pieces = st.sampled_from(list("ab01eéß -_/.,:<>\"'&@#\u2013\n")) | st.sampled_from(
    [" or ", "www.", "//"]
)
texts = st.lists(pieces, min_size=1, max_size=12).map("".join)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(message=texts, search=texts)
def test_both_stores_find_the_same(
    in_memory: MonitoringDatabase, postgres: Database, message: str, search: str
) -> None:
    on_postgresql = MonitoringDatabase(postgres)
    managers = (in_memory, on_postgresql)
    for manager in managers:
        manager.retention.delete_old(older_than_minutes=0)
        manager.add_log("api", "log", message=message, timestamp=NOON, event_id="e")

    in_memory_found, found = [ids(manager, search) for manager in managers]

    assert in_memory_found == found

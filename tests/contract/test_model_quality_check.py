"""Bad weeks of the active model in `/health` and in `veritas check`, on PostgreSQL."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.model_quality.health_check import ModelQualityCheck
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enrolments.week_quality import WeekLevel
from dropout_service.models import Base, ModelWeek
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.settings import Environment
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.learned import a_model
from tests.support.outage import server_to_lose
from tests.support.services import PARTS
from tests.training.conftest import once

CHECK = "model:quality"


class Models:
    """Two models in a database: the first one, and a later one that is active."""

    def __init__(self, url: str) -> None:
        self.manager = DropoutDatabaseManager(Database.for_bind(engine_on(url)))
        self.first, self.active = (
            self.manager.models.add(a_model(base), Target.WITHDRAWN, {"courses": {}}).id
            for base in (0.0, 0.1)
        )

    def add_week(self, version: str, week: date, level: WeekLevel) -> None:
        with self.manager.database.unit_of_work() as session:
            session.add(
                ModelWeek(
                    version=version,
                    week=week,
                    predictions=100,
                    expected_left=20.0,
                    left=50,
                    known=100,
                    level=level,
                    reasons=["50% left (40% to 60%), 20% were predicted"],
                    computed_at=utc_now(),
                )
            )

    def health(self) -> tuple[str, dict[str, str] | None]:
        """Return the status of a new process, and its check of the model."""
        settings = PARTS["dropout"].settings(environment=Environment.DEVELOPMENT)
        with TestClient(PARTS["dropout"].create_app(self.manager, settings)) as client:
            answer = client.get("/health")
        assert answer.status_code == 200
        [check] = answer.json()["checks"].get(CHECK, [None])
        return answer.json()["status"], check


@pytest.fixture
def models(private_url: str) -> Iterator[Models]:
    opened = Models(private_url)
    yield opened
    opened.manager.database.close()


def test_a_bad_week_of_the_active_model_warns(
    models: Models, private_url: str, tmp_path: Path
) -> None:
    models.add_week(models.first, date(2026, 3, 9), WeekLevel.WARNING)
    assert models.health() == ("pass", None)
    models.add_week(models.active, date(2026, 2, 23), WeekLevel.OK)
    models.add_week(models.active, date(2026, 3, 2), WeekLevel.WARNING)
    # Its outcomes are not known yet.
    models.add_week(models.active, date(2026, 3, 9), WeekLevel.UNKNOWN)

    status, check = models.health()
    printed = once(private_url, tmp_path, "check")

    sentence = (
        f"the predictions of {models.active} in the week of 2026-03-02 were bad: 50% left (40% to "
        f"60%), 20% were predicted. GET /api/v1/models/{models.active}/weeks has all weeks"
    )
    assert check is not None
    assert (status, check["status"], check["observedValue"]) == ("warn", "warn", "warning")
    assert check["output"].startswith(sentence)
    assert f"! {sentence}" in printed.output
    assert printed.exit_code == 0, printed.output

    models.add_week(models.active, date(2026, 3, 16), WeekLevel.WATCH)
    assert models.health()[0] == "pass"
    printed = once(private_url, tmp_path, "check")
    assert f"✓ the predictions of {models.active} in the week of 2026-03-16" in printed.output


def test_probes_share_an_answer(models: Models) -> None:
    kept, fresh = (ModelQualityCheck(models.manager.model_weeks, seconds) for seconds in (3600, 0))
    models.add_week(models.active, date(2026, 3, 2), WeekLevel.WARNING)
    before = [check.checks()[CHECK][0]["status"] for check in (kept, fresh)]
    models.add_week(models.active, date(2026, 3, 9), WeekLevel.OK)

    assert before == ["warn", "warn"]
    assert [check.checks()[CHECK][0]["status"] for check in (kept, fresh)] == ["warn", "pass"]


def test_the_answer_stays_in_an_outage() -> None:
    with server_to_lose() as (server, _):
        models = Models(server.url)
        models.add_week(models.active, date(2026, 3, 2), WeekLevel.WARNING)
        check = ModelQualityCheck(models.manager.model_weeks, fresh_seconds=0)
        before = check.checks()
        server.stop()

        assert before[CHECK][0]["status"] == "warn"
        assert check.checks() == before


def test_the_in_memory_store_has_no_such_check() -> None:
    database = Database.in_memory(Base.metadata)
    assert ModelQualityCheck(DropoutDatabaseManager(database).model_weeks).checks() == {}
    database.close()

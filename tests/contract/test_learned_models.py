"""Models that are saved at the same moment: all are kept, and one of them predicts."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import update

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enums import EventType
from dropout_service.domain.rules.risk import RULES_VERSION
from dropout_service.models import LearnedModel
from shared_db.connection.database import Database
from tests.support.databases import engine_on
from tests.support.factories import NOON, days
from tests.support.oulad_fixtures.learned import a_model

AT_ONCE = 8


@pytest.fixture
def manager(private_url: str) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(Database.on(engine_on(private_url)))


def test_of_models_saved_at_once_one_predicts(manager: DropoutDatabaseManager) -> None:
    together = Barrier(AT_ONCE)

    def save(number: int) -> str:
        together.wait()
        return manager.save_model(a_model(number), Target.WITHDRAWN, {}).id

    with ThreadPoolExecutor(AT_ONCE) as pool:
        saved = list(pool.map(save, range(AT_ONCE)))

    models = manager.get_models()
    assert len(set(saved)) == AT_ONCE
    assert {model.id for model in models} == set(saved)
    assert [model.is_active for model in models].count(True) == 1


def test_the_same_model_again_is_the_same_row_and_active(manager: DropoutDatabaseManager) -> None:
    first = manager.save_model(a_model(0.0), Target.WITHDRAWN, {})
    other = manager.save_model(a_model(1.0), Target.WITHDRAWN, {})
    again = manager.save_model(a_model(0.0), Target.WITHDRAWN, {})

    assert again.id == first.id != other.id
    active = {model.id: model.is_active for model in manager.get_models()}
    assert active == {first.id: True, other.id: False}


def test_a_model_of_another_release_lets_the_rules_predict(
    manager: DropoutDatabaseManager, caplog: pytest.LogCaptureFixture
) -> None:
    version = manager.save_model(a_model(7.0), Target.WITHDRAWN, {}).id
    with manager.database.unit_of_work() as session:
        of_another = update(LearnedModel).where(LearnedModel.id == version)
        session.execute(of_another.values(variants={"without_activity": {"features": ["day"]}}))
    manager.add_learning_events(
        [EventToStore("s1", EventType.NAVIGATION, occurred_at=NOON + days(n)) for n in (0, 20)]
    )

    prediction = manager.predict("s1", as_of=NOON + days(40))

    assert prediction.version == RULES_VERSION
    assert f"{version} was learned by another release" in caplog.text

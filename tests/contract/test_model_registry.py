"""Registry of learned models: concurrent inserts, replays, and models of another release."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import update

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enums import EventType
from dropout_service.domain.rules.risk import RULES_VERSION
from dropout_service.errors import ModelNotFound
from dropout_service.models import LearnedModel
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from tests.support.databases import engine_on
from tests.support.factories import NOON, days
from tests.support.oulad_fixtures.learned import a_model

CONCURRENT = 8


@pytest.fixture
def manager(private_url: str) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))


def test_one_of_concurrently_inserted_models_is_active(manager: DropoutDatabaseManager) -> None:
    together = Barrier(CONCURRENT)

    def save(number: int) -> str:
        together.wait()
        return manager.models.add(a_model(number), Target.WITHDRAWN, {}).id

    with ThreadPoolExecutor(CONCURRENT) as pool:
        saved = list(pool.map(save, range(CONCURRENT)))

    models = manager.models.search()
    assert len(set(saved)) == CONCURRENT
    assert {model.id for model in models} == set(saved)
    assert [model.is_active for model in models].count(True) == 1


def test_an_equal_model_is_stored_once_and_becomes_active(manager: DropoutDatabaseManager) -> None:
    first = manager.models.add(a_model(0.0), Target.WITHDRAWN, {})
    other = manager.models.add(a_model(1.0), Target.WITHDRAWN, {})
    again = manager.models.add(a_model(0.0), Target.WITHDRAWN, {})

    assert again.id == first.id != other.id
    active = {model.id: model.is_active for model in manager.models.search()}
    assert active == {first.id: True, other.id: False}


def test_an_earlier_model_becomes_active_again(manager: DropoutDatabaseManager) -> None:
    first = manager.models.add(a_model(0.0), Target.WITHDRAWN, {}).id
    beside = manager.models.add(a_model(1.0), Target.WITHDRAWN, {}, is_activated=False)
    assert (beside.is_active, beside.activated_at) == (False, None)

    chosen = manager.models.activate(beside.id)
    back = manager.models.activate(first)
    again = manager.models.activate(first)

    assert chosen.is_active
    assert (again.is_active, again.activated_at) == (True, back.activated_at)
    active = manager.models.get_active()
    assert active is not None
    assert active.version == first
    with pytest.raises(ModelNotFound):
        manager.models.activate("model-0")


def test_a_model_of_another_release_cannot_become_active(manager: DropoutDatabaseManager) -> None:
    before = manager.models.add(a_model(0.0), Target.WITHDRAWN, {}).id
    broken = manager.models.add(a_model(1.0), Target.WITHDRAWN, {}, is_activated=False).id
    with manager.database.unit_of_work() as session:
        session.execute(update(LearnedModel).where(LearnedModel.id == broken).values(variants={}))

    with pytest.raises(ConfigurationError, match="another release"):
        manager.models.activate(broken)

    assert {model.id for model in manager.models.search() if model.is_active} == {before}


def test_the_rules_predict_if_the_model_is_of_another_release(
    manager: DropoutDatabaseManager, caplog: pytest.LogCaptureFixture
) -> None:
    version = manager.models.add(a_model(7.0), Target.WITHDRAWN, {}).id
    with manager.database.unit_of_work() as session:
        of_another = update(LearnedModel).where(LearnedModel.id == version)
        session.execute(of_another.values(variants={"without_activity": {"features": ["day"]}}))
    manager.events.add_many(
        [EventToStore("s1", EventType.NAVIGATION, occurred_at=NOON + days(n)) for n in (0, 20)]
    )

    prediction = manager.predictions.predict("s1", as_of=NOON + days(40))

    assert prediction.version == RULES_VERSION
    assert f"{version} was learned by another release" in caplog.text

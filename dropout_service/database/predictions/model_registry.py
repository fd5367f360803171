"""Registry of learned models: stored as text, one of them active."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Unpack

from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.orm import Session

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.errors import ModelNotFound
from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.training import TrainedModel, TrainedVariant
from dropout_service.models import LearnedModel
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.errors import ConfigurationError
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.queries.plain_rows import find_plain
from shared_db.repository import Repository
from shared_db.writes.idempotent_insert import content_digest, insert_many_idempotent

logger = logging.getLogger(__name__)

MODELS_BY_ID = Keyset("models", (LearnedModel.id,))
# The columns without the variants, which are large.
# Hexadecimal digits of the content digest in a version.
_DIGITS = 12


@dataclass(frozen=True)
class ActiveModel:
    """Active model with its version."""

    version: str
    target: Target
    model: RiskModel


class ModelRegistry(Repository):
    """Learned models."""

    def add(
        self,
        trained: TrainedModel,
        target: Target,
        training: Mapping[str, Any],
        *,
        evaluation: Mapping[str, Any] | None = None,
        is_activated: bool = True,
    ) -> LearnedModel:
        """Insert a model under a version made of its content, and make it the active one.

        Equal content has the same version and is stored once; its latest evaluation is kept.
        training: the record of the data that the model was trained with. evaluation: its keys are
        in docs/scores.md. is_activated: False stores the model beside the active one.
        """
        row = _row(trained, target, training)

        def add(session: Session) -> LearnedModel:
            _lock(session)
            insert_many_idempotent(session, LearnedModel, [row])
            if evaluation is not None:
                _change(session, LearnedModel.id == row["id"], evaluation=dict(evaluation))
            if is_activated:
                _activate(session, row["id"])
            return session.get_one(LearnedModel, row["id"], populate_existing=True)

        return self.write(add)

    def activate(self, version: str) -> LearnedModel:
        """Make a stored model the active one and return it; the active one stays as it is.

        Raises:
            ModelNotFound: no model of that version was learned here.
            ConfigurationError: it was learned by another release and cannot be read.

        """

        def activate(session: Session) -> LearnedModel:
            _lock(session)
            found = session.get(LearnedModel, version)
            if found is None:
                raise ModelNotFound(version)
            if _read(found) is None:
                raise ConfigurationError(
                    f"{version} was learned by another release and cannot predict in this one; "
                    "learn a new model with `veritas train`."
                )
            if not found.is_active:
                _activate(session, version)
            return session.get_one(LearnedModel, version, populate_existing=True)

        return self.write(activate)

    def search(self, **options: Unpack[PageOptions]) -> Page[LearnedModel]:
        """Return a page of the models by id, without their variants."""
        return self.page(MODELS_BY_ID, select(LearnedModel), **options)

    def get(self, version: str) -> LearnedModel:
        """Return a model, without its variants.

        Raises:
            ModelNotFound: no model of that version was learned here.

        """
        found = self.read(lambda session: find_plain(session, LearnedModel, version))
        if found is None:
            raise ModelNotFound(version)
        return found

    def get_evaluation(self, version: str) -> dict[str, Any] | None:
        """Return the evaluation that was stored with a model; None: there is none.

        Raises:
            ModelNotFound: no model of that version was learned here.

        """
        query = select(LearnedModel.id, LearnedModel.evaluation).where(LearnedModel.id == version)
        found = self.read(lambda session: session.execute(query).one_or_none())
        if found is None:
            raise ModelNotFound(version)
        evaluation: dict[str, Any] | None = found.evaluation
        return evaluation

    def get_active(self) -> ActiveModel | None:
        """Return the active model, None if it cannot be used (see `active_model`)."""
        return self.read(active_model)


class _Loaded:
    """Cache of the model that was read last; a version has one content, so it cannot go stale."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._version: str | None = None
        self._model: ActiveModel | None = None

    def get(self, session: Session, version: str) -> ActiveModel | None:
        with self._lock:
            if self._version != version:
                self._model = _read(session.get_one(LearnedModel, version))
                self._version = version
            return self._model


_loaded = _Loaded()


def active_model(session: Session) -> ActiveModel | None:
    """Return the active model; None if there is none, or it was learned by another release."""
    version = session.scalar(select(LearnedModel.id).where(LearnedModel.is_active))
    return None if version is None else _loaded.get(session, version)


def model_of(session: Session, version: str) -> ActiveModel | None:
    """Return the model of that version; if it cannot be used, return `active_model`."""
    found = session.scalar(select(LearnedModel.id).where(LearnedModel.id == version))
    model = None if found is None else _loaded.get(session, version)
    return model or active_model(session)


def _read(row: LearnedModel) -> ActiveModel | None:
    variants = row.variants
    try:
        plain = Variant.from_json(variants["without_activity"])
        with_activity = variants.get("with_activity")
        active = None if with_activity is None else Variant.from_json(with_activity)
    except (KeyError, TypeError):
        logger.warning(
            "%s was learned by another release and cannot be read; the rules predict until `veritas"
            " train` has learned a new one.",
            row.id,
        )
        return None
    return ActiveModel(row.id, row.target, RiskModel(plain, active))


def _lock(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        # Without the lock two concurrent trainings would both find no other active model.
        session.execute(text("LOCK TABLE dropout.models IN SHARE ROW EXCLUSIVE MODE"))


def _activate(session: Session, version: str) -> None:
    _change(session, LearnedModel.is_active.is_(True), is_active=False)
    _change(session, LearnedModel.id == version, is_active=True, activated_at=utc_now())


def _change(session: Session, condition: ColumnElement[bool], **values: Any) -> None:
    session.execute(update(LearnedModel).where(condition).values(**values))


def _row(trained: TrainedModel, target: Target, training: Mapping[str, Any]) -> Row:
    variants = {"without_activity": trained.without_activity}
    if trained.with_activity is not None:
        variants["with_activity"] = trained.with_activity
    content: dict[str, Any] = {
        "target": target,
        "variants": {name: _variant_json(variant) for name, variant in variants.items()},
        "training": dict(training),
        "metrics": {name: _metrics(variant) for name, variant in variants.items()},
    }
    digest = content_digest(content)
    return {
        **content,
        "id": f"model-{digest.hex()[:_DIGITS]}",
        "digest": digest,
        "evaluation": None,
        "created_at": utc_now(),
        "activated_at": None,
        "is_active": False,
    }


def _variant_json(trained: TrainedVariant) -> dict[str, Any]:
    return {**trained.variant.as_json(), "rows": trained.rows, "parameters": trained.parameters}


def _metrics(trained: TrainedVariant) -> list[dict[str, Any]]:
    return [{"day": found.day, **asdict(found.metrics)} for found in trained.validation]

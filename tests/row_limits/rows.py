"""Numbers of rows that persons might write."""

from sqlalchemy import func, select

from dropout_service import models as dropout_models
from staffstuddash_service import models
from tests.support.persons import Managers

TABLES = {
    "staffstuddash": (models.AssessmentLog, models.ActionLog, models.Draft, models.Student),
    "dropout": (
        dropout_models.Assessment,
        dropout_models.FeatureSet,
        dropout_models.DropoutPrediction,
        dropout_models.PredictionFeedback,
        dropout_models.LearningEvent,
        dropout_models.MarkCorrection,
    ),
}


def counts(managers: Managers, service: str) -> list[int]:
    """Return the numbers of rows of the tables that a person might write."""
    manager = getattr(managers, service)
    with manager.database.reading() as session:
        queries = (select(func.count()).select_from(table) for table in TABLES[service])
        return [session.scalar(query) or 0 for query in queries]

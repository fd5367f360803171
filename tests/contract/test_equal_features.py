"""Equal students have equal features, independent of the order of their rows."""

from datetime import date
from random import Random

import numpy as np
import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.courses.bulk_import import (
    CourseToStore,
    CourseworkToStore,
    EnrolmentToStore,
    SubmissionToStore,
)
from dropout_service.database.features.enrolment import enrolment_features
from dropout_service.domain.enrolments.enrolment_features import FEATURE_NAMES
from shared_db.connection.database import Database
from tests.support.databases import engine_on

COURSE = "art-2024"
STUDENTS = 40
# Sums of these differ in their last bits by the order of the terms.
SCORES, WEIGHTS = (70.1, 80.2, 90.3, 60.7, 55.5), (10.1, 20.2, 30.3, 15.7, 23.7)


@pytest.fixture
def manager(private_url: str) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(Database.for_bind(engine_on(private_url)))


def test_equal_marks_have_equal_ranks(manager: DropoutDatabaseManager) -> None:
    random = Random(0)
    manager.courses.import_courses(
        [CourseToStore(COURSE, "art", "2024", date(2024, 1, 1), 60)],
        [CourseworkToStore(f"w{n}", COURSE, "TMA", 5 + n, w, False) for n, w in enumerate(WEIGHTS)],
    )
    manager.courses.import_enrolments(
        [EnrolmentToStore(f"e{n}", f"s{n}", COURSE, -10, None, None) for n in range(STUDENTS)]
    )
    # Rows are stored in the order of their ids, which differs by student.
    ids = random.sample(range(10**6), STUDENTS * len(SCORES))
    manager.courses.import_submissions(
        [
            SubmissionToStore(f"x{ids.pop()}", f"s{n}", f"e{n}", f"w{work}", 4 + work, score)
            for n in range(STUDENTS)
            for work, score in enumerate(SCORES)
        ]
    )

    with manager.database.reading() as session:
        features = enrolment_features(session, 30)

    differ = [name for name in FEATURE_NAMES if len(np.unique(features[name])) > 1]
    assert differ == []

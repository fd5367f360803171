"""Who did the same has the same features, in whatever order the rows came."""

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
# In another order these add up to other last bits.
SCORES, WEIGHTS = (70.1, 80.2, 90.3, 60.7, 55.5), (10.1, 20.2, 30.3, 15.7, 23.7)


@pytest.fixture
def manager(private_url: str) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(Database.on(engine_on(private_url)))


def test_equal_marks_have_equal_places(manager: DropoutDatabaseManager) -> None:
    random = Random(0)
    manager.import_courses(
        [CourseToStore(COURSE, "art", "2024", date(2024, 1, 1), 60)],
        [CourseworkToStore(f"w{n}", COURSE, "TMA", 5 + n, w, False) for n, w in enumerate(WEIGHTS)],
    )
    manager.import_enrolments(
        [EnrolmentToStore(f"e{n}", f"s{n}", COURSE, -10, None, None) for n in range(STUDENTS)]
    )
    # Stored in the order of their ids, which is another one for each student.
    ids = random.sample(range(10**6), STUDENTS * len(SCORES))
    manager.import_submissions(
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

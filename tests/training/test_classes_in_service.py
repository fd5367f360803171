"""Classes judged by a model: weeks of the model, the command, and the role of the service."""

from pathlib import Path

import pytest

from dropout_service.database import DropoutDatabaseManager
from tests.support.databases import engine_on, service_database
from tests.support.past_terms import FIRST, LEAVERS, SECOND, PastSchool, noon
from tests.support.services import PARTS
from tests.training.conftest import once

AS_OF = noon("now", 29)


def test_weeks_of_the_model_have_classes(school: PastSchool) -> None:
    for number in (0, 1):
        school.predict_class(f"spring-{number}", noon("spring", 28))
        school.predict_class(f"now-{number}", noon("now", 14))
    school.end_enrolment("now-1", SECOND[26], 20)
    # A change to another class of the course is no dropout.
    school.end_enrolment("now-1", SECOND[25], 20)
    school.enrol("now-0", "now", SECOND[25], first=20)
    assert school.dropout.model_weeks.refresh() == 2
    [model] = school.dropout.models.search()

    running, over = school.dropout.model_weeks.search(model.id)

    assert (over.predictions, over.known, over.left) == (60, 60, 2 * LEAVERS)
    assert over.observed_share == pytest.approx(LEAVERS / 30)
    assert (running.predictions, running.known, running.left) == (60, 0, 1)


def test_classes_that_the_model_learned_from_are_in_no_week(school: PastSchool) -> None:
    for number in range(3):
        school.predict_class(f"autumn-{number}", noon("autumn", 28))

    assert school.dropout.model_weeks.refresh() == 0


def test_the_role_of_the_service_suffices(school: PastSchool, term_url: str) -> None:
    database = service_database(engine_on(term_url), PARTS["dropout"].metadata)
    dropout = DropoutDatabaseManager(database)
    expected = school.assess_class("now-0", AS_OF)

    found = dropout.predictions.predict(FIRST[0], as_of=AS_OF, course="now-0")

    assert (found.version, found.course_rank) == (
        expected.version,
        expected.values(FIRST[0])["course_rank"],
    )
    school.predict_class("now-0", noon("now", 14))
    assert dropout.model_weeks.refresh() == 1


def test_the_command_counts_the_classes_of_each_way(
    school: PastSchool, term_url: str, tmp_path: Path
) -> None:
    school.add_class("none", "", term_ids=())
    school.enrol("none", "now", *FIRST)
    at = ("--as-of", AS_OF.isoformat())

    everybody = once(term_url, tmp_path, "predict", "--all", *at).output
    of_class = once(term_url, tmp_path, "predict", "--course", "now-0", *at).output

    assert "3 classes (2 by the model, 1 by the rules): 60 predictions stored" in everybody
    assert "30 enrolments as of" in of_class
    assert "0 predictions stored, 30 already there" in of_class

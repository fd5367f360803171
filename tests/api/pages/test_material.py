"""Hint at the material on the page of today: most students fell at once."""

from datetime import timedelta
from html import unescape

from dropout_service.domain.enums import DropoutType
from shared_db.clock import utc_now
from staffstuddash_service.datastore import StudentToStore
from tests.support.page_schools import CLASS, NAMES, TEACHER, PageSchool, sign
from tests.support.rosters import an_enrolment, outcomes

LATE = "s006"
NOW = ("s004", "s005", LATE, "s001", "s002", "s003")


def test_the_material_comes_first_if_most_fell(page_school: PageSchool) -> None:
    with page_school.pages(acting=TEACHER, seen=3) as client:
        assert "look at the material first" not in client.get("/").text
    _fall(page_school)

    with page_school.pages(acting=TEACHER, seen=3) as client:
        text = " ".join(unescape(client.get("/").text).split())

    hint = "In <bdi>Math</bdi> the marks of 6 of 6 students fell: look at the material first."
    assert text.index(hint) < text.index("Dora")


def _fall(school: PageSchool) -> None:
    """Add a student, a run that brings three to the top, and marks that fell within a week."""
    now = utc_now()
    school.datastore.students.add_many([StudentToStore("Finn", id=LATE)])
    outcomes(school.datastore, an_enrolment("e-late", student_id=LATE, class_id=CLASS))
    for as_of, order in ((now - timedelta(days=7), (*NAMES, LATE)), (now, NOW)):
        for place, id_ in enumerate(order, 1):
            school.dropout.predictions.add(
                None,
                id_,
                DropoutType.SILENT,
                1 - place / 10,
                as_of=as_of,
                primary_indicators=[sign(1)],
            )
    for id_ in NOW:
        for days, score in ((10, 90), (2, 50)):
            school.datastore.assessments.add(
                id_, "quiz", "Math", score, timestamp=now - timedelta(days=days)
            )

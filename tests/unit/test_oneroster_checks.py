"""Checks of OneRoster exports, and the records made from their rows."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffstuddash_service.datastore import AssessmentToStore, StudentToStore
from staffstuddash_service.domain.roster import (
    Class,
    ClassType,
    Course,
    Demographics,
    Enrolment,
    Guardian,
    Identifier,
    IdentifierKind,
    Organisation,
    OrganisationType,
    Person,
    StaffRole,
    Teaching,
    Term,
    TermType,
)
from tests.support.oneroster_files import Cells, Files, as_1_2, small_school
from tests.support.oneroster_reading import Stored, changed, checked, refusals
from veritas_cli.oneroster.drafts import Record
from veritas_cli.oneroster.reading.account import refusal_lines

T = TypeVar("T")


def of_type(records: list[Record], *types: type[T]) -> list[T]:
    return [one for one in records if isinstance(one, types)]


def left_out(files: Files, name: str, *, mode: str = "bulk") -> dict[str, int]:
    account = checked(files, mode=mode)[1]
    assert list(refusal_lines(account.files.values())) == []
    return dict(account.of(name).left_out)


def test_the_small_school_becomes_records() -> None:
    records, account = checked(small_school())

    assert account.refused == 0
    assert of_type(records, Organisation, Term, Course) == [
        Organisation("dist-1", "District", OrganisationType.DISTRICT),
        Organisation("school-1", "School", OrganisationType.SCHOOL, None, "dist-1"),
        Term(
            *("fall-26", "Fall", TermType.SEMESTER, date(2026, 8, 1), date(2026, 12, 31)),
            *("year-26", 2027),
        ),
        Term(
            *("year-26", "Year", TermType.SCHOOL_YEAR, date(2026, 8, 1), date(2027, 6, 30)),
            school_year=2027,
        ),
        Course("co-1", "Algebra", "ALG", None, ("Math", "Science")),
    ]
    assert of_type(records, Class)[0] == Class(
        "cl-1",
        "Algebra 1a",
        ClassType.SCHEDULED,
        "cl-1",
        "co-1",
        "school-1",
        ("fall-26",),
        (),
        ("09", "10"),
        "Room 7",
    )
    assert of_type(records, Person, Enrolment, Teaching, Demographics) == [
        Person(
            *("te-1", "Tess Example", StaffRole.TEACHER, "te-1@school.example", "te-1"),
            ("school-1",),
        ),
        Enrolment("en-1", "st-1", "cl-1", date(2026, 8, 15)),
        Enrolment("en-2", "st-2", "cl-1"),
        Teaching("en-3", "te-1", "cl-1", is_primary=True),
        Demographics("st-1", date(2012, 3, 4), "female", {"asian": True}),
    ]


def test_students_have_identifiers_and_guardians() -> None:
    records, _ = checked(small_school())

    assert of_type(records, StudentToStore, Guardian) == [
        StudentToStore("Ada Example", "st-1@school.example", "st-1"),
        Guardian("gu-1:st-1", "st-1", "Pat Example", "parent", "gu-1@school.example", "555 0100"),
        StudentToStore("Bo Example", "st-2@school.example", "st-2"),
    ]
    kinds = IdentifierKind
    assert [one for one in of_type(records, Identifier) if one.student_id == "st-1"] == [
        Identifier("st-1", "oneroster:username", kinds.ACCOUNT, "st-1"),
        Identifier("st-1", "oneroster:identifier", kinds.ID, "1001"),
        Identifier("st-1", "ldap", kinds.ID, "ada1"),
        Identifier("st-1", "library", kinds.ID, "77"),
        Identifier("st-1", "email", kinds.MAILBOX, "st-1@school.example"),
    ]


def test_results_become_assessments() -> None:
    files = small_school()
    files["results"].append({**files["results"][0], "sourcedId": "re-3", "score": "22"})

    records, _ = checked(files)

    at = datetime(2026, 9, 8, 12, tzinfo=UTC)
    assert of_type(records, AssessmentToStore) == [
        AssessmentToStore("st-1", "Quiz", "Math", 17.5, 20, timestamp=at, id="re-1"),
        AssessmentToStore(
            "st-1", "Quiz", "Math", 22, 20, timestamp=at, id="re-3", extra_credit=True
        ),
        AssessmentToStore("st-2", "Quiz", "Math", None, 20, timestamp=at, id="re-2", excused=True),
    ]


def test_results_come_by_student() -> None:
    files = small_school()
    one = files["results"][0]
    files["results"] = [
        {**one, "sourcedId": f"re-{n}", "studentSourcedId": f"st-{1 + n % 2}"} for n in range(2500)
    ]

    marks = of_type(checked(files)[0], AssessmentToStore)

    assert [mark.student_id for mark in marks] == ["st-1"] * 1250 + ["st-2"] * 1250
    assert len({mark.id for mark in marks}) == 2500


def test_both_versions_have_the_same_records() -> None:
    assert checked(as_1_2(small_school()))[0] == checked(small_school())[0]


def test_a_guardian_may_name_the_students() -> None:
    files = small_school()
    files["users"][0]["agentSourcedIds"] = ""
    files["users"][3]["agentSourcedIds"] = "st-1"

    guardians = of_type(checked(files)[0], Guardian)

    assert guardians == of_type(checked(small_school())[0], Guardian)
    files["users"][0]["agentSourcedIds"] = "gu-1"
    assert of_type(checked(files)[0], Guardian) == guardians


def test_a_staff_member_keeps_all_organisations_and_the_primary_role() -> None:
    files = as_1_2(small_school())
    role = {**files["roles"][2], "sourcedId": "role-9"}
    files["roles"] += [role | {"roleType": "secondary", "role": "aide", "orgSourcedId": "dist-1"}]

    [person] = of_type(checked(files)[0], Person)

    assert (person.role, person.organisation_ids) == (StaffRole.TEACHER, ("dist-1", "school-1"))


def test_preferred_names_win() -> None:
    files = as_1_2(small_school())
    files["users"][0]["preferredGivenName"] = "Addie"

    assert of_type(checked(files)[0], StudentToStore)[0].name == "Addie Example"


def test_identifiers_of_several_students_are_left_out() -> None:
    records, account = checked(changed("users", 1, email="ST-1@school.example"))

    systems = [one.system for one in of_type(records, Identifier)]
    assert "email" not in systems
    assert account.notes == ["1 identifiers are left out: several students have the same."]


def _one_more(**values: str) -> Callable[[Files], Cells]:
    return lambda files: {**files["enrollments"][0], "sourcedId": "en-9", **values}


@pytest.mark.parametrize("role", ["proctor", "administrator", "ext:guest"])
def test_other_roles_in_a_class_are_left_out(role: str) -> None:
    files = small_school()
    files["enrollments"].append(_one_more(role=role, userSourcedId="te-1")(files))

    assert sum(left_out(files, "enrollments.csv").values()) == 1


def test_results_without_a_score_and_rows_that_end_are_left_out() -> None:
    files = small_school()
    files["results"][1] |= {"scoreStatus": "not submitted"}
    files["users"][1] |= {"status": "tobedeleted"}

    assert left_out(files, "results.csv") == {"the result has no score": 1}
    assert left_out(files, "users.csv") == {"its status is tobedeleted": 1}
    assert list(left_out(files, "enrollments.csv").values()) == [1]


def test_an_erased_student_is_left_out_with_all_rows() -> None:
    files = small_school()
    files["users"][1]["sourcedId"] = "st-erased"
    files["enrollments"][1]["userSourcedId"] = files["results"][1]["studentSourcedId"] = "st-erased"

    records, account = checked(files)

    assert account.refused == 0
    assert "st-erased" not in str(records)
    assert [one.left_out.total() for one in account.files.values() if one.left_out] == [1, 1, 1]


def test_rows_of_a_user_whose_role_has_ended_are_left_out() -> None:
    files = as_1_2(small_school())
    files["roles"][1] |= {"beginDate": "2025-08-01", "endDate": "2026-06-30"}
    files["categories"][0]["status"] = "tobedeleted"

    records, account = checked(files)

    assert account.refused == 0
    assert "st-2" not in str(records)
    assert [account.of(f"{name}.csv").left_out.total() for name in ("users", "enrollments")] == [
        1,
        1,
    ]
    assert [one.type for one in of_type(records, AssessmentToStore)] == ["assignment"]


def test_a_row_that_ends_needs_no_other_cell() -> None:
    files = small_school()
    files["classes"][1] = {"sourcedId": "cl-2", "status": "tobedeleted"}

    assert refusals(files) == []


def test_references_to_stored_rows_are_valid() -> None:
    files = {"enrollments": small_school()["enrollments"]}

    assert len(refusals(files)) == 3
    stored: Stored = {Class: {"cl-1"}, StudentToStore: {"st-1", "st-2"}, Person: {"te-1"}}
    assert refusals(files, mode="delta", stored=stored) == []
    assert len(refusals(files, stored={**stored, StudentToStore: {"te-1"}})) == 2


def test_a_delta_file_repeats_no_role_and_no_line_item() -> None:
    school = as_1_2(small_school())
    files = {"users": school["users"][:1], "results": school["results"][:1]}
    files["results"][0]["studentSourcedId"] = "st-1"

    records, account = checked(files, mode="delta", stored={StudentToStore: {"st-1"}})

    assert account.refused == 0
    assert len(of_type(records, StudentToStore)) == 1
    assert account.of("results.csv").left_out.total() == 1


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(order: random.Random) -> None:
    files = small_school() if order.random() < 0.5 else as_1_2(small_school())
    expected = checked(files)[0]
    shuffled = {name: order.sample(rows, len(rows)) for name, rows in files.items()}

    assert checked(shuffled)[0] == expected

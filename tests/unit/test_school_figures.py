"""Figures of the school and the text of the digest, from answers of the services."""

from datetime import date, timedelta
from typing import Any

from veritas_web.domain.school.digest import MOST_CLASSES, Language, digest_body
from veritas_web.domain.school.overview import Shade, course_shares, heat_map
from veritas_web.domain.today import CourseNews, Newcomer, steps
from veritas_web.languages import locale_of, translations

MONDAY = date(2026, 11, 2)
GERMAN = Language(translations("de"), locale_of("de"))


def changes(course: str, ranked: int | None, new: int, stayed: int, **more: Any) -> dict[str, Any]:
    values = {"compared_as_of": "2026-11-01T00:00:00Z", "is_comparable": True, **more}
    return {
        "course": course,
        "ranked": ranked,
        "entered": [{}] * new,
        "stayed": [{}] * stayed,
        **values,
    }


def test_courses_are_ordered_by_the_share_of_new_students() -> None:
    found = course_shares(
        [
            changes("a", 100, 1, 9),
            changes("b", 40, 5, 5),
            changes("small", 4, 4, 0),
            changes("unranked", None, 4, 0),
            changes("first run", 50, 0, 10, compared_as_of=None),
            changes("another model", 50, 9, 1, is_comparable=False),
            changes("0 places", 50, 0, 0),
        ]
    )

    assert [(one.course, one.share) for one in found] == [
        ("b", 0.5),
        ("a", 0.1),
        ("0 places", None),
        ("another model", None),
        ("first run", None),
    ]


def test_a_week_is_compared_with_the_usual_one_of_the_course() -> None:
    weeks = [MONDAY + timedelta(weeks=number) for number in range(5)]

    def item(course: str, students: int | None, *active: int | None) -> dict[str, Any]:
        return {"course": course, "students": students, "active": list(active)}

    found = heat_map(
        {
            "weeks": [str(week) for week in weeks],
            # A Wednesday: the last week is not over.
            "until": str(weeks[-1] + timedelta(days=2)),
            "items": [
                item("fell", 10, 8, 8, 8, 6, 1),
                item("a little", 10, 8, 8, 8, 7, 1),
                item("rose", 10, 5, None, 5, 6, 1),
                item("new", 10, None, None, 5, 0, 0),
                item("small", None, None, None, None, None, None),
                item("unknown", 10, None, None, None, None, 3),
            ],
        }
    )

    shades = {row.course: [cell.shade for cell in row.cells] for row in found.rows}
    assert found.weeks == tuple(weeks[:-1])
    assert shades["fell"] == [Shade.USUAL, Shade.USUAL, Shade.USUAL, Shade.MUCH_LESS]
    assert shades["a little"][-1] is Shade.LESS
    # Two known weeks make no usual one; a week of nobody is 0 and not unknown.
    assert set(shades["rose"]) == set(shades["new"]) == {Shade.UNKNOWN}
    assert found.rows[3].cells[-1].share == 0
    assert set(shades) == {"fell", "a little", "rose", "new"}
    assert (found.less, found.compared) == (2, 2)


def test_a_digest_has_names_and_days_in_the_language_of_the_school() -> None:
    def action(student: str, due_on: date | None) -> dict[str, Any]:
        return {
            "id": student,
            "student_id": student,
            "action": "talk.with-student",
            "data": {"note": "private"},
            "due_on": due_on and str(due_on),
        }

    planned = [action("s1", MONDAY), action("s2", None), action("gone", MONDAY)]
    names = {"s1": "Ada", "s2": "Bob"}
    news = [
        CourseNews(f"c{number}", "", (Newcomer("s2", "Bob", 1, 4, ()),), is_comparable=True)
        for number in range(MOST_CLASSES + 1)
    ]
    today = MONDAY + timedelta(days=1)

    body = digest_body(
        MONDAY, steps(planned, names, today), news, {"c0": "Mathe 5a"}, GERMAN, "https://v.example"
    )
    empty = digest_body(MONDAY, [], [], {}, GERMAN, "https://v.example")

    overdue, ahead, first, *others = body["sections"]
    assert [line["text"] for line in overdue["lines"]] == [
        "Ada: Gespräch mit der lernenden Person, fällig am 02.11.2026"
    ]
    assert [line["student_id"] for line in ahead["lines"]] == ["s2"]
    assert first == {
        "title": "Neu weit oben: Mathe 5a",
        "lines": [{"text": "Bob", "student_id": "s2"}],
    }
    assert len(others) == MOST_CLASSES - 1
    assert "weiteren Klassen" in body["closing"]
    assert "private" not in str(body)
    assert empty["sections"] == []

"""Texts of refusals that depend on the request."""

from dropout_service.errors import PredictionNotFound


def test_a_missing_prediction_names_the_student_and_the_course() -> None:
    of_student = PredictionNotFound("s001")
    of_course = PredictionNotFound("s001", "art-2026")

    why = "none was made yet (POST one), or the student has left"
    assert of_student.detail == f"No prediction of student s001 counts: {why}."
    assert of_student.members == {"student_id": "s001"}
    assert of_course.detail == f"No prediction of student s001 in course art-2026 counts: {why}."
    assert of_course.members == {"student_id": "s001", "course": "art-2026"}
    assert of_student.title == of_course.title == "There is no latest prediction"

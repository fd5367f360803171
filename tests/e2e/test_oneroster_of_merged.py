"""`veritas import oneroster` after a merge: the school still sends the old id."""

from tests.support.oneroster_files import a_user, small_school
from tests.support.oneroster_imports import Import, account, contents, effects, manager


def test_the_same_export_after_a_merge_changes_nothing(bring_in: Import, private_url: str) -> None:
    files = small_school()
    assert bring_in(files).exit_code == 0
    manager(private_url).merging.merge("st-1", "new-1")
    before = contents(private_url)

    again = bring_in(files)

    assert again.exit_code == 0, again.output
    assert effects(again) == {(0, 0, 0)}
    assert contents(private_url) == before


def test_an_export_with_both_ids_stores_their_rows_once(bring_in: Import, private_url: str) -> None:
    files = small_school()
    files["users"].append(a_user("st-9", "student", "Ada"))
    enrolled = next(row for row in files["enrollments"] if row["userSourcedId"] == "st-1")
    files["enrollments"].append({**enrolled, "sourcedId": "en-9", "userSourcedId": "st-9"})
    person = next(row for row in files["demographics"] if row["sourcedId"] == "st-1")
    files["demographics"].append({**person, "sourcedId": "st-9", "sex": "other"})
    assert bring_in(files).exit_code == 0
    manager(private_url).merging.merge("st-9", "st-1")
    before = contents(private_url)

    again = bring_in(files)

    assert again.exit_code == 0, again.output
    assert effects(again) == {(0, 0, 0)}
    assert contents(private_url) == before


def test_changes_under_the_old_id_reach_the_student(bring_in: Import, private_url: str) -> None:
    files = small_school()
    bring_in(files)
    datastore = manager(private_url)
    datastore.merging.merge("st-1", "new-1")
    student = next(row for row in files["users"] if row["sourcedId"] == "st-1")
    student |= {"givenName": "Augusta", "identifier": "1002"}
    result = next(row for row in files["results"] if row["studentSourcedId"] == "st-1")
    result["score"] = "20"

    again = bring_in(files)

    assert again.exit_code == 0, again.output
    assert "the student was merged into another id" in again.output
    assert account(again)["results"][2] == 1
    assert datastore.get_student("new-1").name == "Ada Example"
    stored = datastore.assessments.search_by_student("new-1").items
    assert [(row.id, row.score) for row in stored] == [(result["sourcedId"], 20)]
    third = bring_in(files)
    assert (third.exit_code, effects(third)) == (0, {(0, 0, 0)})


def test_changed_rows_may_name_the_old_id_alone(bring_in: Import, private_url: str) -> None:
    files = small_school()
    bring_in(files)
    datastore = manager(private_url)
    datastore.merging.merge("st-1", "new-1")
    enrolled = next(row for row in files["enrollments"] if row["userSourcedId"] == "st-1")
    delta = {"enrollments": [{**enrolled, "sourcedId": "en-new", "classSourcedId": "cl-2"}]}
    delta["enrollments"][0] |= {"status": "active", "dateLastModified": "2026-09-01T00:00:00Z"}

    result = bring_in(delta, mode="delta")

    assert result.exit_code == 0, result.output
    assert account(result)["enrollments"][1] == 1

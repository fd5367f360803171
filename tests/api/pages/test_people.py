"""People, roles and keys on the pages: who changes what, and what is shown once."""

import re
from datetime import timedelta
from html import unescape

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from shared_db.errors import ServiceError
from shared_web.auth.keys import KeyManager
from shared_web.auth.roles import RoleManager
from shared_web.principals import BUILT_IN_ROLES, Permission, Scope
from staffstuddash_service.datastore import DatastoreManager
from tests.api.pages.conftest import OWN, OpenPages, sign_in
from tests.support.page_schools import PageSchool
from tests.support.visible import words
from veritas_web.domain.rights.permission_words import PERMISSIONS, ROLES, SCOPES
from veritas_web.domain.rights.refusals import REFUSALS

TEACHER, HEAD = "/people/p-teacher", "p-advisor"
KEY = re.compile(r"veritas_[\w-]{40,}")


@pytest.fixture
def head(open_pages: OpenPages, school: DatastoreManager) -> TestClient:
    """Give the pages as a person with all rights."""
    school.person_access.give(HEAD, "admin", actor="test")
    client = open_pages()
    sign_in(client, school, HEAD)
    return client


def sent(client: TestClient, path: str, **fields: object) -> Response:
    """Send a form of the pages, twice as an impatient person does; return the second answer."""
    client.post(path, data=fields, headers=OWN)
    return client.post(path, data=fields, headers=OWN)


def test_a_role_is_given_revoked_and_given_back(head: TestClient, school: DatastoreManager) -> None:
    listed = words(head.get("/people?q=GRACE T").text)
    given = sent(head, f"{TEACHER}/role", role="principal")
    page = words(head.get(given.headers["location"]).text)
    unknown = sent(head, f"{TEACHER}/role", role="dean")

    assert "Grace teacher Teacher Teacher 0 0" in listed
    assert "Advisor" not in listed
    assert "The role was given." in page
    assert "Role: Principal. It was given here." in page
    assert unknown.status_code == 422
    assert "This role is gone. Choose another one." in unknown.text

    assert sent(head, f"{TEACHER}/revoke").status_code == 303
    assert "The access is revoked. Changed" in words(head.get(TEACHER).text)
    assert "revoked" in words(head.get("/people?q=teacher").text)
    refused = sent(head, f"{TEACHER}/invite", days="7")
    assert (refused.status_code, "nobody gives more rights" in refused.text) == (403, True)
    sent(head, f"{TEACHER}/role", role="teacher")
    assert not school.person_access.get("p-teacher").is_revoked
    assert "somebody else revokes your access" in head.get(f"/people/{HEAD}").text


def test_an_invitation_is_shown_once_and_signs_in(
    head: TestClient, open_pages: OpenPages, school: DatastoreManager
) -> None:
    wrong = sent(head, f"{TEACHER}/invite", days="31")
    answer = sent(head, f"{TEACHER}/invite", days="3")
    [link] = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", answer.text)

    assert (wrong.status_code, "valid for 1 to 30 days" in wrong.text) == (422, True)
    assert answer.headers["cache-control"] == "no-store"
    token = unescape(link).partition("token=")[2]
    assert token not in head.get(TEACHER).text
    begun = open_pages().post("/sign-in/invitation", data={"token": token}, headers=OWN)
    assert begun.status_code == 303

    before = school.sign_ins.identify("p-teacher")
    assert sent(head, f"{TEACHER}/sign-outs").status_code == 303
    after = school.sign_ins.identify("p-teacher")
    assert before is not None
    assert after is not None
    assert after.session_revision > before.session_revision
    assert sent(head, f"{TEACHER}/invitation/revoke").status_code == 303


def test_a_teacher_sees_no_form_and_changes_nothing(
    open_pages: OpenPages, school: DatastoreManager
) -> None:
    client = open_pages()
    sign_in(client, school)
    pages = [client.get(path).text for path in ("/people", TEACHER, "/roles")]
    refused = [
        client.get("/keys"),
        client.get("/new-key"),
        client.get("/new-role"),
        client.get("/break-glass"),
        client.get("/students/s001/erase"),
        client.post(f"{TEACHER}/role", data={"role": "admin"}, headers=OWN),
        client.post(f"{TEACHER}/invite", data={"days": "7"}, headers=OWN),
        client.post("/new-key", data={"name": "x", "scopes": "admin"}, headers=OWN),
        client.post("/roles/nurse/delete", headers=OWN),
    ]

    assert "Grace advisor" in pages[0]
    changes = re.compile(r'action="/people/|href="/(new-role|roles/)|Access')
    assert not [page for page in pages if changes.search(page)]
    assert {answer.status_code for answer in refused} == {403}


def test_nobody_gives_more_than_they_have(open_pages: OpenPages, school: DatastoreManager) -> None:
    rights = [Permission.ROSTER_READ, Permission.PEOPLE_MANAGE, Permission.STUDENTS_READ]
    RoleManager(school.database).put_role("office", rights, sees_all=True)
    school.person_access.give(HEAD, "office", actor="test")
    client = open_pages()
    sign_in(client, school, HEAD)

    refused = sent(client, f"{TEACHER}/role", role="admin")
    form = client.get("/new-role").text

    assert refused.status_code == 403
    assert "nobody gives more rights than they have" in refused.text
    assert '<option value="admin" selected>' in refused.text
    assert 'value="students.read"' in form
    assert 'value="erase"' not in form


def test_a_role_of_the_school_is_made_changed_and_deleted(head: TestClient) -> None:
    wrong = sent(head, "/new-role", name="Big Nurse", permissions="students.read")
    taken = sent(head, "/new-role", name="teacher", permissions="students.read")
    without = sent(head, "/new-role", name="nurse", sees_all="true")
    made = sent(head, "/new-role", name="nurse", permissions="students.read")
    other = sent(head, "/new-role", name="nurse", permissions="drafts.read")

    assert [one.status_code for one in (wrong, taken, without, made, other)] == [
        422, 422, 422, 303, 422,
    ]  # fmt: skip
    assert 'value="Big Nurse"' in wrong.text
    assert 'value="students.read" checked' in wrong.text
    assert "There is a role of this name." in taken.text
    assert "Choose at least one right." in without.text
    assert 'name="sees_all" value="true" checked' in without.text
    listed = words(head.get("/roles").text)
    assert "nurse Of this school. Sees own students. Change the role nurse" in listed
    assert "Delete 1 right Read students" in listed

    rights = ["students.read", "roster.read"]
    assert sent(head, "/roles/nurse", permissions=rights, sees_all="true").status_code == 303
    listed = words(head.get("/roles").text)
    assert "nurse Of this school. Sees all students. Change" in listed
    assert "Delete 2 rights" in listed
    assert head.get("/roles/teacher").status_code == 404
    assert "can read nothing" in head.get("/roles/nurse/delete").text
    assert "nurse" in head.get("/roles").text
    assert sent(head, "/roles/nurse/delete").status_code == 303
    assert "nurse" not in head.get("/roles").text


def test_a_key_is_shown_once_and_revoked_after_a_question(
    head: TestClient, school: DatastoreManager
) -> None:
    tomorrow = (utc_now() + timedelta(days=1)).date().isoformat()
    fields = {"name": "time & table", "scopes": "read", "permissions": "marks.write"}
    limits = {"last_day": tomorrow, "addresses": "10.0.0.0/8\n127.0.0.1"}
    made = head.post("/new-key", data=fields | limits, headers=OWN)
    [key] = KEY.findall(made.text)
    again = head.post("/new-key", data=fields | limits, headers=OWN)
    listed = head.get("/keys")

    assert (made.status_code, made.headers["cache-control"]) == (200, "no-store")
    assert "location" not in made.headers
    stored = KeyManager(school.database).find(key)
    assert stored is not None
    assert stored.may(Permission.MARKS_WRITE)
    assert again.status_code == 409
    assert "A key of this name was made already" in again.text
    assert 'value="time &amp; table"' in again.text
    assert key not in again.text + listed.text
    assert "10.0.0.0/8, 127.0.0.1/32" in listed.text
    assert "Enter, correct and delete marks." in words(listed.text)

    path = "/keys/time%20%26%20table/revoke"
    assert "It cannot be undone" in head.get(path).text
    assert "time &amp; table" in head.get("/keys").text
    assert sent(head, path).status_code == 303
    assert "revoked on" in words(head.get("/keys").text)
    assert sent(head, "/keys/nothing/revoke").status_code == 404


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "", "Name the system"),
        ("name", "a/b", "A name has no stroke"),
        ("scopes", "", "Choose at least one right."),
        ("last_day", "2020-01-01", "Choose today or a later day"),
        ("last_day", "soon", "Choose today or a later day"),
        ("addresses", "10.0.0.300", "Write addresses or networks"),
    ],
)
def test_a_wrong_key_is_not_made(
    page_school: PageSchool, field: str, value: str, text: str
) -> None:
    form = {"name": "lms", "scopes": "read", "last_day": "", "addresses": "", field: value}
    with page_school.pages() as client:
        sent = {name: content for name, content in form.items() if content}
        answer = client.post("/new-key", data=sent, headers=OWN)

    assert answer.status_code == 422
    assert text in answer.text
    assert not KEY.search(answer.text)


def test_with_the_service_away_forms_keep_what_was_chosen(page_school: PageSchool) -> None:
    with page_school.pages(away=("staffstuddash",)) as client:
        key = client.post("/new-key", data={"name": "lms", "scopes": "read"}, headers=OWN)
        role = client.post(f"{TEACHER}/role", data={"role": "principal"}, headers=OWN)

    assert (key.status_code, role.status_code) == (503, 503)
    assert "it is not known whether this was done" in key.text
    assert 'value="lms"' in key.text
    assert "it is not known whether this was done" in role.text


def test_words_are_of_refusals_that_exist() -> None:
    kinds = [ServiceError]
    for kind in kinds:
        kinds += kind.__subclasses__()

    assert set(REFUSALS) - {kind.slug for kind in kinds} == set()


def test_every_permission_and_role_has_words() -> None:
    assert set(PERMISSIONS) == set(map(str, Permission))
    assert set(SCOPES) == set(map(str, Scope))
    assert set(ROLES) == set(BUILT_IN_ROLES)

"""Weekly digests on PostgreSQL with a real server of mails: once for each person and week."""

import asyncio
import time
from datetime import date, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from shared_db.clock import utc_now
from shared_db.settings import Environment
from shared_web.operations.mailing import deliver_due
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.domain.roster import RosterKind, StaffRole
from staffstuddash_service.models import Mail, WeeklyDigest
from tests.support.databases import LOOPBACK, service_database
from tests.support.live_services import live_services
from tests.support.mailbox import Mailbox, mail_server
from tests.support.page_schools import CLASS, OTHER_TEACHER, TEACHER, PageSchool
from tests.support.pages import pages
from tests.support.rosters import a_person, a_teaching, outcomes
from tests.support.screens import complete
from veritas_cli.main import app as veritas
from veritas_web.digests.run import DigestRun
from veritas_web.services.all import Clients
from veritas_web.settings import Settings, Weekday

pytestmark = [
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
    # FastAPI hides it, but not from threads in which several apps build their routes at once.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning"),
]

WEB: dict[str, Any] = {"environment": Environment.DEVELOPMENT, "web_url": "https://v.example"}
TODAY = utc_now().date()
WEEK = TODAY - timedelta(days=TODAY.weekday())
LEFT_OUT = "left-out@school.example"


def address(person: str) -> str:
    return f"{person}@school.example"


def staff(*ids: str, **changes: Any) -> list[Any]:
    people = [a_person(id_, role=StaffRole.TEACHER, email=address(id_)) for id_ in ids]
    return [*people, a_person("p-out", role=StaffRole.TEACHER, email=LEFT_OUT, **changes)]


@pytest.fixture(scope="module")
def school(page_school: PageSchool) -> PageSchool:
    """Give the school with addresses of staff; mails are on, and one person gets no digest."""
    complete(page_school)
    page_school.datastore.actions.add(
        "s002",
        TEACHER,
        "talk.with-student",
        state=ActionState.PLANNED,
        assigned_to=TEACHER,
        due_on=TODAY,
    )
    page_school.datastore.restrictions.put("s002", actor="office")
    people = staff(TEACHER, OTHER_TEACHER)
    page_school.datastore.roster.apply(RosterKind.PERSON, people, "manual")
    manager_of(page_school).digests.is_on = True
    manager_of(page_school).digests.left_out = (LEFT_OUT,)
    return page_school


def manager_of(school: PageSchool) -> DatastoreManager:
    manager: DatastoreManager = school.apps["staffstuddash"].state.manager  # type: ignore[attr-defined] # a FastAPI app
    return manager


def send(school: PageSchool, workers: int) -> list[int]:
    """Send the digests of the week by several workers at once; return the mails of each."""

    async def run() -> list[int]:
        ways = {
            name: httpx.ASGITransport(app, client=(LOOPBACK, 50000))
            for name, app in school.apps.items()
        }
        clients = [Clients(Settings(**WEB), ways) for _ in range(workers)]
        runs = [DigestRun(Settings(**WEB), each, top=2) for each in clients]
        try:
            return list(await asyncio.gather(*(each.send(WEEK) for each in runs)))
        finally:
            for each in clients:
                await each.close()

    return asyncio.run(run())


def stored(school: PageSchool) -> dict[str, bool]:
    """Return the digests of the week by person, True if one was sent."""
    with school.datastore.database.reading() as session:
        rows = session.execute(select(WeeklyDigest.person_id, WeeklyDigest.was_sent))
        return {row.person_id: row.was_sent for row in rows}


def waiting(school: PageSchool) -> list[str]:
    with school.datastore.database.reading() as session:
        return list(session.scalars(select(Mail.recipient)))


def test_two_workers_send_one_digest_to_each_person(school: PageSchool) -> None:
    box = Mailbox()
    mails = send(school, workers=2)
    again = send(school, workers=1)  # after a restart
    with mail_server(box) as server:
        delivered = deliver_due(school.datastore.mails, server)

    assert (sum(mails), again, delivered) == (1, [0], 1)
    assert stored(school) == {TEACHER: True, OTHER_TEACHER: False}
    [mail] = box.mails
    text = mail.get_content().replace("\r\n", "\n")
    assert mail["To"] == address(TEACHER)
    assert f"New near the top in Class {CLASS}\n- Dora\n" in text
    assert "Your steps that are overdue\n- Ada Lovelace: call.home, due on " in text
    assert "https://v.example" in text
    # Notes, places and restricted students stay out.
    assert [one for one in ("Monday", "place", "drowssap", "Talk with") if one in text] == []


def test_the_schedule_sends_and_an_erasure_deletes_the_waiting_mail(school: PageSchool) -> None:
    new = "p-new"
    school.datastore.roster.apply(RosterKind.PERSON, staff(new), "manual")
    outcomes(school.datastore, a_teaching(id="l-new", class_id=CLASS, person_id=new))
    school.datastore.actions.add(
        "s005", TEACHER, "call.home", state=ActionState.PLANNED, assigned_to=new, due_on=TODAY
    )
    weekday = list(Weekday)[TODAY.weekday()]
    settings = Settings(**WEB, digest_weekday=weekday, digest_hour=0)
    with pages(school.apps, settings=settings):
        until = time.monotonic() + 30
        while new not in stored(school) and time.monotonic() < until:
            time.sleep(0.1)

    assert stored(school)[new]
    assert waiting(school) == [address(new)]
    removed, _ = school.datastore.students.delete("s005", actor="office")
    assert removed["mails"] == 1
    assert waiting(school) == []


def test_a_dry_run_prints_a_text_and_sends_nothing(
    school: PageSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = partial(service_database, school.datastore.database.store.bind)
    with live_services(database) as urls:
        for name, url in urls.items():
            variable = name.strip("-").replace("-", "_").upper()
            monkeypatch.setenv(f"WEB_{variable}", url)
        monkeypatch.setenv("ENVIRONMENT", "development")
        monkeypatch.setenv("DIGEST_LANGUAGE", "de")
        before = stored(school)
        text = CliRunner().invoke(veritas, ["digest", "--dry-run", "--person", TEACHER])
        count = CliRunner().invoke(veritas, ["digest", "--dry-run"])
        refused = CliRunner().invoke(veritas, ["digest"])

    assert "Ada Lovelace: call.home" in text.output
    assert "Überfällige eigene Schritte" in text.output
    assert "people would get a digest" in count.output
    # These services have no server of mails.
    assert refused.exit_code == 1
    assert "mails-off" in refused.output
    assert stored(school) == before


def test_a_digest_is_of_this_week_and_of_staff(school: PageSchool) -> None:
    body = {"subject": "s", "opening": "o", "sections": [], "closing": "c"}

    async def put(week: date, person: str) -> int:
        way = httpx.ASGITransport(school.apps["staffstuddash"], client=(LOOPBACK, 50000))
        async with httpx.AsyncClient(transport=way, base_url=f"http://{LOOPBACK}") as client:
            path = f"/api/v1/digests/{week}/recipients/{person}"
            return (await client.put(path, json=body)).status_code

    found = [
        asyncio.run(put(week, person))
        for week, person in (
            (WEEK, "nobody"),
            (WEEK + timedelta(days=1), TEACHER),
            (WEEK - timedelta(weeks=3), TEACHER),
            (WEEK, TEACHER),
        )
    ]
    manager_of(school).digests.is_on = False
    off = asyncio.run(put(WEEK, TEACHER))

    assert (found, off) == ([404, 422, 422, 200], 409)

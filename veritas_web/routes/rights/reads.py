"""Reads of a student's data, and the export of everything that is stored."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shared_web.principals import Permission
from veritas_web.dependencies import CurrentServices, allowed
from veritas_web.domain.rights.erasure_words import ACTIVITY, RECORDS
from veritas_web.domain.rights.permission_words import ROLES
from veritas_web.domain.rights.read_words import KINDS, read_words
from veritas_web.pages import page
from veritas_web.services.all import Services
from veritas_web.services.results import optional, required

router = APIRouter(prefix="/students/{student_id}")

After = Annotated[str | None, Query(max_length=2000)]
_PERSON = "person"
_MOST_NAMES = 100


@router.get("/reads", dependencies=[allowed(Permission.AUDIT_READ)])
async def list_reads(
    request: Request,
    services: CurrentServices,
    student_id: str,
    after: After = None,
    after_activity: After = None,
) -> Response:
    """Return the reads of a student's data in both services, the latest first."""
    student, records, activity = await asyncio.gather(
        services.records.student(student_id),
        services.records.reads(student_id, after=after),
        services.activity_records.reads(student_id, after=after_activity),
    )
    found = [required(student), optional(records), optional(activity)]
    context = {
        "student_id": student_id,
        "student": found[0],
        "reads": {"records": found[1], "activity": found[2]},
        "after": {"records": after, "activity": after_activity},
        "names": await names_of_readers(services, found[1:]),
        "read_words": read_words,
        "kinds": KINDS,
        "role_names": ROLES,
    }
    return page(request, "rights/reads.html", context)


@router.get("/export", dependencies=[allowed(Permission.EXPORT)])
async def get_export(request: Request, services: CurrentServices, student_id: str) -> Response:
    """Return the page with the downloads of both services."""
    student = required(await services.records.student(student_id))
    context = {
        "student_id": student_id,
        "student": student,
        "records": tuple(dict.fromkeys(RECORDS.values())),
        "activity": tuple(dict.fromkeys(ACTIVITY.values())),
    }
    return page(request, "rights/export.html", context)


async def names_of_readers(services: Services, pages: list[Any]) -> dict[str, str]:
    """Return the names of the members of staff among the callers, by id."""
    items = [one for found in pages if found for one in found["items"]]
    ids = sorted({one["caller"] for one in items if one["kind"] == _PERSON and one["caller"]})
    return await names_of(services, ids)


async def names_of(services: Services, ids: list[str]) -> dict[str, str]:
    """Return the names of members of staff by id; those that are not known now are absent."""
    if not ids:
        return {}
    people = optional(await services.access.named(ids[:_MOST_NAMES]))
    return {one["id"]: one["name"] for one in people["items"]} if people else {}

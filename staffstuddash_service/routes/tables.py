"""Routes of CSV tables: students, people, classes, enrolments and assessments."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.requests.csv_body import TableOut, csv_body, read_csv
from shared_web.requests.tables.parameters import TableParameters, TableQuery
from staffstuddash_service.datastore import DatastoreManager, TableImport, TableKind
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.schemas.tables import ROWS

router = APIRouter(route_class=AdmittedRoute)

RosterWriter = Annotated[Principal, needs(Permission.ROSTER_WRITE)]
MarksWriter = Annotated[Principal, needs(Permission.MARKS_WRITE)]
StudentsWriter = Annotated[Principal, needs(Permission.STUDENTS_WRITE)]


def _documented(kind: TableKind, tag: str) -> dict[str, Any]:
    return {"tags": [tag], "openapi_extra": csv_body(ROWS[kind].model)}


async def _store(
    kind: TableKind,
    request: Request,
    datastore: DatastoreManager,
    principal: Principal,
    parameters: TableParameters,
) -> TableOut:
    rows = ROWS[kind]
    table = await read_csv(request, rows.model, parameters.column_map)
    task = TableImport(
        kind, table.columns.parts, principal.name, parameters.on_conflict, parameters.is_dry
    )

    def stored() -> TableOut:
        items = [rows.item(fields) for fields in table.batch.fields()]
        return table.answer(datastore.tables.store(task, items), is_dry=parameters.is_dry)

    return await run_in_threadpool(stored)


@router.post("/students/csv", **_documented(TableKind.STUDENTS, "students"))
async def add_students_from_csv(
    request: Request, datastore: Datastore, principal: StudentsWriter, parameters: TableQuery
) -> TableOut:
    """Store the students of a CSV table, as `/students/batch` does; `index` counts from 0."""
    return await _store(TableKind.STUDENTS, request, datastore, principal, parameters)


@router.post("/people/csv", **_documented(TableKind.PEOPLE, "roster"))
async def add_people_from_csv(
    request: Request, datastore: Datastore, principal: RosterWriter, parameters: TableQuery
) -> TableOut:
    """Store the staff of a CSV table; an update replaces as `PUT` does."""
    return await _store(TableKind.PEOPLE, request, datastore, principal, parameters)


@router.post("/classes/csv", **_documented(TableKind.CLASSES, "roster"))
async def add_classes_from_csv(
    request: Request, datastore: Datastore, principal: RosterWriter, parameters: TableQuery
) -> TableOut:
    """Store the classes of a CSV table; an update replaces as `PUT` does."""
    return await _store(TableKind.CLASSES, request, datastore, principal, parameters)


@router.post("/enrolments/csv", **_documented(TableKind.ENROLMENTS, "roster"))
async def add_enrolments_from_csv(
    request: Request, datastore: Datastore, principal: RosterWriter, parameters: TableQuery
) -> TableOut:
    """Enrol the students of a CSV table in its classes; student and class identify a row."""
    return await _store(TableKind.ENROLMENTS, request, datastore, principal, parameters)


@router.post("/assessments/csv", **_documented(TableKind.ASSESSMENTS, "assessments"))
async def add_assessments_from_csv(
    request: Request, datastore: Datastore, principal: MarksWriter, parameters: TableQuery
) -> TableOut:
    """Store the assessments of a CSV table; an update is a correction with the reason `import`."""
    return await _store(TableKind.ASSESSMENTS, request, datastore, principal, parameters)

"""Routes of import jobs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import Forbidden, InvalidRequest, WrongMediaType, documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.body_limit import BODY_READER, BodyReader
from shared_web.requests.csv_body import CSV
from shared_web.requests.idempotency import mark_replay
from shared_web.requests.tables.columns import parsed_map
from shared_web.requests.tables.parameters import TableQuery
from staffstuddash_service.datastore import DatastoreManager, ImportStep, NewImport, TableKind
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import ImportNotChecked, ImportNotFound
from staffstuddash_service.routes.path_parameters import ImportId
from staffstuddash_service.schemas.incoming.import_jobs import ImportChange, ImportOut
from staffstuddash_service.schemas.tables import ROWS

router = APIRouter(prefix="/imports", tags=["roster"], route_class=AdmittedRoute)

WRITE = needs(Permission.ROSTER_WRITE)
MAX_BYTES = 100 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
# Beside `roster.write`, for the rows of these kinds.
_ALSO = {
    TableKind.STUDENTS: Permission.STUDENTS_WRITE,
    TableKind.ASSESSMENTS: Permission.MARKS_WRITE,
}

Kind = Annotated[TableKind, Query(description="The rows of the table.")]
_CONFIRM = (
    "`true`: the table is only checked. The import is then `checked`, and waits up to two hours "
    "for `PATCH`."
)
Confirm = Annotated[bool, Query(description=_CONFIRM)]
_TABLE = {"type": "string", "description": "As of `/students/csv`, up to 100 MB."}


@router.post(
    "",
    status_code=202,
    responses=documented(WrongMediaType, InvalidRequest),
    openapi_extra={"requestBody": {"required": True, "content": {CSV: {"schema": _TABLE}}}},
)
async def add_import(
    request: Request,
    datastore: Datastore,
    principal: Annotated[Principal, WRITE],
    kind: Kind,
    parameters: TableQuery,
    confirm: Confirm = False,  # noqa: FBT002 - a parameter of the query
) -> ImportOut:
    """Receive a CSV table, and store it in the background, in one transaction.

    Nothing is stored if a row is refused. Rows need ids, so that sending a file again changes
    nothing. One import runs at a time; one that a restart interrupts begins again.
    """
    _require_right(principal, kind)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != CSV:
        raise WrongMediaType(f"Send the table as {CSV}.")
    if parameters.column_map is not None:
        parsed_map(parameters.column_map, ROWS[kind].model)
    new = NewImport(
        kind,
        principal.name,
        parameters.column_map,
        parameters.on_conflict,
        parameters.is_dry or confirm,
        confirm,
    )
    return ImportOut.model_validate(await _receive(request, datastore, new))


@router.get("", dependencies=[WRITE], responses=documented(MalformedCursor))
def list_imports(
    datastore: Datastore, after: After = None, limit: Limit = 100
) -> PageOut[ImportOut]:
    """Return the imports of the last 30 days, the latest first."""
    return PageOut[ImportOut].of(datastore.import_jobs.search(after=after, limit=limit))


@router.get("/{import_id}", dependencies=[WRITE], responses=documented(ImportNotFound))
def get_import(import_id: ImportId, datastore: Datastore) -> ImportOut:
    """Return one import with its progress."""
    return ImportOut.model_validate(datastore.import_jobs.get(import_id))


@router.patch("/{import_id}", responses=documented(ImportNotFound, ImportNotChecked))
def continue_import(
    import_id: ImportId,
    change: ImportChange,
    datastore: Datastore,
    principal: Annotated[Principal, WRITE],
    response: Response,
) -> ImportOut:
    """Store the rows of a checked import, or check them again with other columns."""
    kind = TableKind(datastore.import_jobs.get(import_id).kind)
    _require_right(principal, kind)
    if change.column_map is not None:
        parsed_map(change.column_map, ROWS[kind].model)
    step = ImportStep(principal.name, **dict(change))
    job, is_replay = datastore.import_jobs.continue_checked(import_id, step)
    mark_replay(response, is_replay=is_replay)
    return ImportOut.model_validate(job)


@router.delete("/{import_id}", dependencies=[WRITE], responses=documented(ImportNotFound))
def cancel_import(import_id: ImportId, datastore: Datastore, response: Response) -> ImportOut:
    """Cancel an import; a running one ends with its next rows, and stores nothing."""
    job, is_replay = datastore.import_jobs.cancel(import_id)
    mark_replay(response, is_replay=is_replay)
    return ImportOut.model_validate(job)


def _require_right(principal: Principal, kind: TableKind) -> None:
    also = _ALSO.get(kind)
    if also is not None and not principal.may(also):
        raise Forbidden(f"An import of {kind} needs the permission `{also}`, too.")


async def _receive(request: Request, datastore: DatastoreManager, new: NewImport) -> object:
    """Store the file piece by piece, so that it is never in memory as a whole."""
    jobs = datastore.import_jobs
    reader: BodyReader = request.scope[BODY_READER]
    reader.allow(MAX_BYTES)
    job_id = await run_in_threadpool(jobs.begin, new)
    number, piece = 0, bytearray()
    async for part in request.stream():
        piece += part
        if len(piece) >= _PIECE_BYTES:
            await run_in_threadpool(jobs.add_piece, job_id, number, bytes(piece))
            number, piece = number + 1, bytearray()
    if piece:
        await run_in_threadpool(jobs.add_piece, job_id, number, bytes(piece))
    return await run_in_threadpool(jobs.received, job_id)

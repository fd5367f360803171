"""Pages of imports: the upload, the columns and their check, the progress, and the account."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from shared_web.problems import BodyRefused
from shared_web.requests.body_limit import BODY_READER, BodyReader
from veritas_web.dependencies import (
    STAFF,
    CurrentApp,
    CurrentServices,
    CurrentViewer,
    Viewer,
    caller_for,
)
from veritas_web.domain.imports.columns import (
    as_map,
    choosable,
    from_map,
    is_matched,
    missing,
    own_columns,
    suggested,
)
from veritas_web.domain.imports.kinds import CONFLICTS, KINDS, ONGOING, STATES, Kind
from veritas_web.domain.marked import N_
from veritas_web.errors import NotAllowed, PageNotFound, ServiceAway
from veritas_web.pages import page
from veritas_web.routes.imports.upload import FormFile, UploadBroken
from veritas_web.services.all import Services
from veritas_web.services.imports import send_table
from veritas_web.services.rest import Refused, Result
from veritas_web.services.results import optional, required

MAX_BYTES = 100 * 1024 * 1024
# Beside the file: the borders of the form's parts.
_FORM_BYTES = 64 * 1024
_SEE_OTHER = 303
_INVALID = 422
_LISTED = 20
_REFUSED = (400, 409, 413, 415, 422)
NO_FILE = N_("Choose a file that is not empty.")
TOO_LARGE = N_("The file has more than 100 MB, or was not sent as a whole. Send it in parts.")
NOT_READ = N_("The file did not arrive as a whole. Send it again.")

PERMISSION = "roster.write"


async def _require_importer(viewer: CurrentViewer) -> None:
    if not (viewer.may(PERMISSION) and viewer.sees_all):
        raise NotAllowed("Imports need roster.write and a role that sees every student.")


router = APIRouter(prefix="/imports", dependencies=[STAFF, Depends(_require_importer)])


@router.get("")
async def list_imports(
    request: Request, services: CurrentServices, viewer: CurrentViewer
) -> Response:
    """Return the kinds of tables, and the last imports."""
    found = required(await services.imports.list_imports(limit=_LISTED))
    kinds = [kind for kind in KINDS.values() if viewer.may(kind.permission)]
    return page(
        request,
        "imports/list.html",
        {"imports": found, "kinds": kinds, "titles": _titles(), "states": STATES},
    )


@router.get("/new/{kind}")
async def get_upload(request: Request, viewer: CurrentViewer, kind: str) -> Response:
    """Return the form to send a file."""
    return page(request, "imports/new.html", {"kind": _kind(viewer, kind), "problem": None})


@router.post("/new/{kind}")
async def upload(request: Request, parts: CurrentApp, viewer: CurrentViewer, kind: str) -> Response:
    """Pass the file on to the service, which checks it; return to the page of the import."""
    chosen = _kind(viewer, kind)
    reader: BodyReader = request.scope[BODY_READER]
    reader.allow(MAX_BYTES + _FORM_BYTES)
    try:
        file = FormFile(request)
        if not await file.begin():
            return _again(request, chosen, NO_FILE)
        send = partial(parts.clients.stream, "staffstuddash")
        url = parts.settings.url_of("staffstuddash")
        sent = await send_table(send, url, caller_for(parts, viewer), kind, file.content())
        if file.failure is not None:
            raise file.failure
    except UploadBroken:
        return _again(request, chosen, NOT_READ)
    except BodyRefused:
        return _again(request, chosen, TOO_LARGE)
    if isinstance(sent, Refused) and sent.status in _REFUSED:
        return _again(request, chosen, sent.detail)
    return _to(_required(sent)["id"])


@router.get("/{import_id}")
async def get_import(
    request: Request,
    services: CurrentServices,
    import_id: str,
    watch: Annotated[bool, Query()] = False,  # noqa: FBT002 - a parameter of the query
) -> Response:
    """Return an import: its progress, its check with the columns, or its account.

    watch: True for a page that reloads itself while the import goes on.
    """
    job = required(await services.imports.get_import(import_id))
    return await _import_page(request, services, job, watch=watch)


@router.post("/{import_id}/check")
async def check_import(request: Request, services: CurrentServices, import_id: str) -> Response:
    """Check the file again with the columns of the form."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    job = _required(await services.imports.get_import(import_id))
    kind = KINDS[job["kind"]]
    chosen = {each.name: form.get(f"column-{each.name}", "") for each in kind.fields}
    on_conflict = form.get("on_conflict", "")
    if on_conflict not in CONFLICTS:
        on_conflict = next(iter(CONFLICTS))
    if missing(kind, chosen):
        shown = {**job, "on_conflict": on_conflict}
        return await _import_page(request, services, shown, chosen, status=_INVALID)
    sent = await services.imports.continue_import(
        import_id, column_map=as_map(chosen), on_conflict=on_conflict, dry_run=True
    )
    return _next(import_id, sent)


@router.post("/{import_id}/store")
async def store_import(
    services: CurrentServices,
    import_id: str,
    column_map: Annotated[str, Form(max_length=10_000)] = "",
    on_conflict: Annotated[str, Form(max_length=20)] = "refuse",
) -> Response:
    """Store the rows of a checked file, as they were checked: the form has what the page showed."""
    sent = await services.imports.continue_import(
        import_id, column_map=column_map or None, on_conflict=on_conflict, dry_run=False
    )
    return _next(import_id, sent)


@router.post("/{import_id}/cancel")
async def cancel_import(services: CurrentServices, import_id: str) -> Response:
    """Cancel an import, and return to its page."""
    _required(await services.imports.cancel_import(import_id))
    return _to(import_id, watch=False)


async def _import_page(
    request: Request,
    services: Services,
    job: Mapping[str, Any] | None,
    chosen: Mapping[str, str] | None = None,
    *,
    watch: bool = False,
    status: int = 200,
) -> Response:
    """Return the page of an import; chosen: columns of a form that lacks needed ones."""
    kind = KINDS[job["kind"]] if job else None
    context: dict[str, Any] = {
        "job": job,
        "kind": kind,
        "is_ongoing": job is not None and job["state"] in ONGOING,
        "watch": watch,
        "states": STATES,
        "conflicts": CONFLICTS,
        "missing": missing(kind, chosen) if kind and chosen is not None else [],
        "columns": {},
        "own": {},
    }
    if job and kind and job["state"] == "checked":
        columns = job["columns"] or []
        if chosen is None:
            before = job["column_map"] or await _remembered(services, kind)
            chosen = suggested(kind, columns, from_map(before))
        context |= {
            "columns": chosen,
            "choosable": choosable(columns),
            "own": own_columns(kind, columns),
            "is_new": job["column_map"] is None and bool(columns) and not is_matched(kind, columns),
        }
    return page(request, "imports/job.html", context, status)


async def _remembered(services: Services, kind: Kind) -> str | None:
    """Return the map of the last import of the kind that was stored."""
    found = optional(await services.imports.list_imports(limit=100)) or {"items": []}
    return next(
        (
            job["column_map"]
            for job in found["items"]
            if job["kind"] == kind.name and job["state"] == "done" and job["column_map"]
        ),
        None,
    )


def _kind(viewer: Viewer, name: str) -> Kind:
    if name not in KINDS:
        raise PageNotFound
    if not viewer.may(KINDS[name].permission):
        raise NotAllowed(f"This import needs the permission {KINDS[name].permission}.")
    return KINDS[name]


def _titles() -> dict[str, str]:
    return {kind.name: kind.title for kind in KINDS.values()}


def _again(request: Request, kind: Kind, problem: str) -> Response:
    return page(request, "imports/new.html", {"kind": kind, "problem": problem}, _INVALID)


def _next(import_id: str, sent: Result) -> Response:
    """Return to the import after a step, also if somebody else took another one meanwhile."""
    if isinstance(sent, Refused) and sent.slug == "import-not-checked":
        return _to(import_id, watch=False)
    _required(sent)
    return _to(import_id)


def _to(import_id: str, *, watch: bool = True) -> Response:
    query = "?watch=true" if watch else ""
    return RedirectResponse(f"/imports/{import_id}{query}", _SEE_OTHER)


def _required(result: Result) -> Any:
    found = required(result)
    if found is None:
        raise ServiceAway
    return found

"""Recording of reads: before an answer is sent, its read is on the disk."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import MetaData
from starlette.datastructures import Headers

from shared_db.audit.file import AuditFile
from shared_db.audit.log import AuditUnavailable, ReadLog
from shared_db.audit.rows import ChainedRead, Read
from shared_db.audit.storing import ReadStore
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import Overloaded
from shared_db.row_limits import row_limit
from shared_db.spool.file import SpoolUnavailable
from shared_web.audit.shown_students import ShownStudents
from shared_web.principals import Principal
from shared_web.problems import InvalidRequest
from shared_web.requests.text import normalized
from shared_web.routing import route_template
from shared_web.settings import ServiceSettings

logger = structlog.stdlib.get_logger("veritas.audit")

PURPOSE = "Veritas-Purpose"
MAX_PURPOSE = 200
# Longer answers are searched in a thread.
_LONG_BYTES = 64 * 1024
_FIRST_ERROR = 300


class ReadAudit:
    """Audit of the reads of one service.

    On PostgreSQL a read is appended to a file and moved to the tables in the background; in memory
    it is inserted at once.
    """

    def __init__(
        self, settings: ServiceSettings, service: str, database: Database, metadata: MetaData
    ) -> None:
        self._database = database
        self._store = ReadStore(database, metadata)
        self._moves = settings.audit_moving_seconds > 0
        self.file = AuditFile.of_service(settings.spool_path, service, settings.spool_max_bytes)
        self.log = ReadLog(service, self._append)

    def open(self) -> None:
        """Open the file; log an error if it cannot be written."""
        if self._database.use_fallback:
            return
        try:
            self.file.open()
        except SpoolUnavailable as failure:
            self.log.report(failure)

    def move(self) -> int:
        """Move the waiting reads to the database; return their number.

        Raises:
            ServiceError: the database cannot take them now.
            SpoolUnavailable: the file cannot be used.

        """
        if self._database.use_fallback:
            return 0
        return self._store.move(self.file)

    def close(self) -> None:
        """Store what waits, if the database takes it, and close the file."""
        self.log.drain()
        if self._moves:
            try:
                self.move()
            except Exception as failure:  # noqa: BLE001 - the reads wait for the next start
                logger.warning("reads wait for the next start", error=type(failure).__qualname__)
        self.file.close()

    def checks(self) -> dict[str, list[dict[str, Any]]]:
        """Return the check of the audit for `/health`."""
        failure = self.log.failure
        check: dict[str, Any] = {
            "componentType": "system",
            "status": "warn" if failure else "pass",
            "output": "",
        }
        if failure:
            check["output"] = (
                "Reads cannot be recorded: persons are answered 503, systems without a record. "
                "The log has the reason."
            )
        elif not self._database.use_fallback:
            check |= self._waiting()
        return {"audit:reads": [check]}

    async def record(
        self, request: Request, student_ids: Sequence[str], purpose: str | None
    ) -> None:
        """Record that the caller reads data of these students.

        Raises:
            AuditUnavailable: the caller is a person, and the read cannot be recorded.
            Overloaded: the same, because the service is overloaded.

        """
        principal: Principal = request.scope["state"]["principal"]
        person = principal.person
        read = Read(
            read_at=utc_now(),
            caller=principal.name,
            is_person=person is not None,
            roles=person.roles if person else (),
            through=person.through if person else None,
            route=route_template(request.scope),
            student_ids=student_ids,
            purpose=purpose,
            openings=limit.openings if (limit := row_limit()) else {},
        )
        try:
            await self.log.record(read)
        except (AuditUnavailable, Overloaded):
            if person is not None:
                raise

    def _append(self, reads: Sequence[ChainedRead]) -> None:
        if self._database.use_fallback:
            self._store.add(reads)
        else:
            self.file.append(reads)

    def _waiting(self) -> dict[str, Any]:
        try:
            count = self.file.waiting()
        except SpoolUnavailable:
            return {"status": "warn", "output": "The file of the audit cannot be read."}
        return {"observedValue": count, "observedUnit": "rows"}


def purpose_of(headers: Headers) -> str | None:
    """Return the purpose that the caller states, or None.

    Raises:
        InvalidRequest: it is repeated, not UTF-8, or longer than 200 characters.

    """
    sent = headers.getlist(PURPOSE)
    if not sent:
        return None
    try:
        purpose = normalized(sent[0].encode("latin-1").decode().strip())
    except ValueError:
        purpose = ""
    if len(sent) > 1 or not 0 < len(purpose) <= MAX_PURPOSE:
        raise InvalidRequest(
            f"Send one `{PURPOSE}` of 1 to {MAX_PURPOSE} characters in UTF-8, or leave it out."
        )
    return purpose


async def record_read(
    request: Request, response: Response, shown: ShownStudents, purpose: str | None
) -> None:
    """Record an answer of a route, if it shows students and the service has an audit.

    Raises:
        AuditUnavailable, Overloaded: see `ReadAudit.record`.

    """
    audit: ReadAudit | None = request.app.state.read_audit
    if audit is None or response.status_code >= _FIRST_ERROR:
        return
    if shown.paths and len(response.body) > _LONG_BYTES:
        student_ids = await run_in_threadpool(shown.ids, request, response)
    else:
        student_ids = shown.ids(request, response)
    if student_ids:
        await audit.record(request, student_ids, purpose)

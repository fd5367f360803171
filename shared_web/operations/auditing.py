"""Audit of reads of a service: opened at the start, moved while it runs, closed at the end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi.concurrency import run_in_threadpool

from shared_web.audit.recording import ReadAudit
from shared_web.operations.periodic import Periodic


def audit_periodics(audit: ReadAudit | None, seconds: float) -> Sequence[Periodic]:
    """Return the task that moves waiting reads every so many seconds; none for 0."""
    return [Periodic("audit", seconds, audit.move)] if audit is not None and seconds else []


@asynccontextmanager
async def auditing(audit: ReadAudit | None) -> AsyncIterator[None]:
    """Open the audit, and store what waits at the end."""
    if audit is None:
        yield
        return
    await run_in_threadpool(audit.open)
    try:
        yield
    finally:
        await run_in_threadpool(audit.close)

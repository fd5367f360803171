"""Words of the page of the systems: codes of the services stand on no page."""

from collections.abc import Mapping

from veritas_web.domain.marked import N_

SERVICES: Mapping[str, str] = {
    "monitoring": N_("Watching of the systems"),
    "staffstuddash": N_("Students, marks and notes"),
    "dropout": N_("Places and reasons"),
}
# Of a system, now or on a day, by the status that monitoring gives it.
STATUSES: Mapping[str, str] = {
    "NORMAL": N_("in order"),
    "WARNING": N_("disturbed"),
    "CRITICAL": N_("badly disturbed"),
}
# Of a service, by the status of its health.
WORKING: Mapping[str, str] = {
    "pass": N_("works"),
    "warn": N_("works, with a warning"),
    "fail": N_("does not work now"),
}
# What a warning is about, by the beginning of the check's name.
CHECKS: Mapping[str, str] = {
    "audit": N_("the record of reads"),
    "background": N_("background work"),
    "database": N_("the database"),
    "model": N_("the learned model"),
    "spool": N_("rows that wait to be stored"),
}
WORKS: Mapping[str, str] = {
    "audit": N_("moves the record of reads into the database"),
    "erasing": N_("erases deleted students"),
    "imports": N_("runs imports that wait"),
    "incidents": N_("opens and closes incidents"),
    "mails": N_("delivers mails"),
    "merging": N_("repeats merges of students"),
    "model-weeks": N_("compares predictions with outcomes"),
    "months": N_("makes the tables of the next months"),
    "recomputing": N_("computes places again"),
    "refreshing": N_("computes figures of students again"),
    "replay": N_("stores rows that waited"),
    "retention": N_("deletes old rows"),
    "rollups": N_("sums up events by hour and day"),
    "snapshots": N_("stores the state of the systems"),
    "statistics": N_("renews statistics of tables"),
}
CAUSES: Mapping[str, str] = {
    "critical_events": N_("several bad events in a short row"),
    "source_health": N_("disturbed for several minutes"),
}
STATES: Mapping[str, str] = {
    "open": N_("open"),
    "acknowledged": N_("somebody takes care of it"),
    "resolved": N_("over"),
}
ENDS: Mapping[str, str] = {
    "stable": N_("over by itself: it was heard for 30 minutes without trouble"),
    "silent": N_("closed by itself: it was not heard for a day"),
    "person": N_("declared to be over"),
}

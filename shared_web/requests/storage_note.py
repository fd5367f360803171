"""Note of a request whether its answer rests on the spool."""

from contextvars import ContextVar, Token


class StorageNote:
    """Note of one request, the same object in every thread that works for it."""

    is_spool = False


_note: ContextVar[StorageNote | None] = ContextVar("veritas_storage", default=None)


def begin_note() -> tuple[StorageNote, Token[StorageNote | None]]:
    """Return a new note of the request at hand, and the token to end it with."""
    note = StorageNote()
    return note, _note.set(note)


def end_note(token: Token[StorageNote | None]) -> None:
    """Forget the note of the request."""
    _note.reset(token)


def rests_on_spool() -> bool:
    """Return True if the answer to the request at hand rests on the spool."""
    note = _note.get()
    return note is not None and note.is_spool


def mark_as_spool() -> None:
    """Note that the answer to the request at hand rests on the spool."""
    note = _note.get()
    if note is not None:
        note.is_spool = True

"""Pseudonyms of erased students, and the forms of an id that mean the same student."""

import hashlib
import unicodedata
from collections.abc import Iterable

_KEY = b"veritas erased student"


def pseudonym_of(student_id: str) -> str:
    """Return the pseudonym that replaces an erased student's id in the tombstone and in actions.

    The same id gives the same pseudonym, so that late rows of the student are recognised and
    refused. The id cannot be read from it, but is not secret: a guessed id can be checked.
    """
    return "erased-" + hashlib.blake2b(student_id.encode(), key=_KEY, digest_size=16).hexdigest()


def equivalent_ids(student_id: str) -> tuple[str, ...]:
    """Return the id, and its composed and decomposed forms if they differ (Unicode NFC and NFD).

    Requests have ids in NFC; earlier releases stored them as they were sent.
    """
    if student_id.isascii():
        return (student_id,)
    forms = (unicodedata.normalize(form, student_id) for form in ("NFC", "NFD"))
    return tuple(dict.fromkeys((student_id, *forms)))


def ids_by_pseudonym(student_ids: Iterable[str]) -> dict[str, set[str]]:
    """Return the ids by the pseudonyms of all their forms: a tombstone may be of any form."""
    found = dict[str, set[str]]()
    for student_id in student_ids:
        for form in equivalent_ids(student_id):
            found.setdefault(pseudonym_of(form), set()).add(student_id)
    return found

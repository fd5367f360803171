"""Errors of terms that close, and of rows that are read-only since; each has its problem type."""

from collections.abc import Sequence
from datetime import date

from shared_db.errors import Conflict


class TermNotOver(Conflict):
    """Closing of a term before its last day has passed."""

    slug = "term-not-over"
    title = "The term is not over"

    def __init__(self, term_id: str, ends_on: date) -> None:
        super().__init__(
            f"The last day of term {term_id} is {ends_on}. Close it on a later day, or replace the "
            "term by PUT with an earlier `ends_on`.",
            term_id=term_id,
            ends_on=ends_on.isoformat(),
        )


class TermHasOpenTerms(Conflict):
    """Closing of a term before the terms within it."""

    slug = "term-has-open-terms"
    title = "Terms within the term are open"

    def __init__(self, term_id: str, open_ids: Sequence[str]) -> None:
        super().__init__(
            f"Close the terms within term {term_id} first: {', '.join(open_ids)}.",
            term_id=term_id,
            open_term_ids=list(open_ids),
        )


class TermClosed(Conflict):
    """Change of a closed term, or of a row that belongs to closed terms only."""

    slug = "term-closed"
    title = "The term is closed"

    def __init__(self, field: str, term_id: str) -> None:
        super().__init__(
            f"Term {term_id} is closed and takes no change and no new class or term. Use an open "
            "term.",
            field=field,
            term_id=term_id,
        )


class ClassArchived(Conflict):
    """Change of an archived class, of an enrolment in it, or of its teaching."""

    slug = "class-archived"
    title = "The class is archived"

    def __init__(self, class_id: str) -> None:
        super().__init__(
            f"Class {class_id} was archived with its term and is read-only. Use a class of an open "
            "term.",
            class_id=class_id,
        )

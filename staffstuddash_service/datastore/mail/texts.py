"""Texts that inform the reviewers of openings."""

from datetime import datetime

OPENED = "Veritas: break-glass was used"


def opening_text(person_id: str, name: str, opening_id: str, ends_at: datetime) -> str:
    """Return the mail about an opening; it names the member of staff, and nothing of the student.

    name: of the member of staff, of which line breaks become spaces.
    """
    who = f"{' '.join(name.split())} ({person_id})"
    return (
        f"{who} opened a student outside of their rights, until {ends_at:%Y-%m-%d %H:%M} UTC.\n\n"
        f"Sign in to Veritas, read the reason in the list of break-glass openings, and acknowledge"
        f" the opening {opening_id}.\n"
    )

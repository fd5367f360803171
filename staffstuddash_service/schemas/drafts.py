"""Bodies of drafts."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from shared_web.requests.fields import AdditionOut, Body, Id, PastInstant
from shared_web.requests.text import at_most
from staffstuddash_service.domain.drafts import ChangeType, Continuity

_MOST_CHARACTERS = 100_000
DraftText = Annotated[
    str,
    StringConstraints(min_length=1),
    AfterValidator(at_most(_MOST_CHARACTERS)),
    Field(json_schema_extra={"maxLength": _MOST_CHARACTERS}),
]


class NewDraft(Body):
    """Next version of a text for an assignment."""

    id: Id | None = Field(None, examples=["d001"])
    assignment_id: Id = Field(examples=["essay-1"])
    content: DraftText = Field(examples=["The sky is blue because short waves scatter more."])
    timestamp: PastInstant | None = Field(None, description="Of the submission; by default now.")


class DraftOut(AdditionOut):
    """Draft as stored, compared with the version before; null for the first version.

    Words are compared, not meaning: a hint for a talk with the student, never a verdict. Of scripts
    without spaces each character is a word. Also null if one of the versions has no words, or none
    that can be told apart.
    """

    id: str
    student_id: str
    assignment_id: str
    version: int | None
    content: str
    timestamp: datetime
    created_at: datetime
    word_count: int = Field(
        description="Words, or characters of scripts without spaces; 0 if neither can be counted."
    )
    new_words: int | None
    lexical_similarity: float | None
    retained_share: float | None
    change_type: ChangeType | None
    reasoning_continuity: Continuity | None
    sudden_jump_flag: bool | None

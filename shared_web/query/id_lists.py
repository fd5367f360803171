"""Query parameters that name several rows by their ids."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import TypeAdapter, ValidationError

from shared_web.problems import InvalidRequest
from shared_web.requests.fields import Id

MAX_IDS = 1000

_IDS = TypeAdapter(list[Id])


# async, so that it does not use a worker thread
async def _student_ids(
    student_id__in: Annotated[
        list[str],
        Query(description=f"Only these students: at most {MAX_IDS} ids, separated by commas."),
    ],
) -> list[str]:
    parts = [part for text in student_id__in for part in text.split(",")]
    if len(parts) > MAX_IDS:
        raise InvalidRequest(f"`student_id__in` names {len(parts)} students, more than {MAX_IDS}.")
    try:
        return _IDS.validate_python(parts)
    except ValidationError as refusal:
        raise InvalidRequest("`student_id__in` must be ids, separated by commas.") from refusal


StudentIds = Annotated[list[str], Depends(_student_ids)]

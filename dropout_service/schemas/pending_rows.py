"""Number of pending rows, which features and predictions have in common."""

from typing import Annotated

from pydantic import Field

PendingRows = Annotated[
    int | None,
    Field(
        description="Rows of this student that were accepted and not stored when this was computed."
        " Above 0, it is computed again once they are stored. Null: not known.",
        examples=[0],
    ),
]

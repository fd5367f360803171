"""Query parameters of the routes that take tables."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from shared_db.results import OnConflict

_MAP = (
    "Columns by field, as `name:First name+Last name,id:Student No,type:=exam`. `+` joins columns, "
    "`=` begins a constant. Other fields are taken from the column of their name; columns that no "
    "field needs are ignored."
)
_ON_CONFLICT = (
    "A row whose id is stored with other content: `refuse` it, or `update` the stored row. Fields "
    "without a column stay."
)
_DRY_RUN = "`true`: nothing is stored; the answer has the outcomes."


@dataclass(frozen=True)
class TableParameters:
    """Parameters of a request with a table."""

    column_map: str | None
    on_conflict: OnConflict
    is_dry: bool


# async, so that it does not use a worker thread
async def _parameters(
    map_: Annotated[str | None, Query(alias="map", max_length=10_000, description=_MAP)] = None,
    on_conflict: Annotated[OnConflict, Query(description=_ON_CONFLICT)] = OnConflict.REFUSE,
    dry_run: Annotated[bool, Query(description=_DRY_RUN)] = False,  # noqa: FBT002 - a parameter
) -> TableParameters:
    return TableParameters(map_, on_conflict, dry_run)


TableQuery = Annotated[TableParameters, Depends(_parameters)]

"""Refusals and failures of the services; `shared_web` turns each into one HTTP problem."""

from typing import ClassVar


class ConfigurationError(Exception):
    """The settings or the database cannot work as they are: a person has to change them."""


class ServiceError(Exception):
    """Refusal with a fixed title per class; `detail` describes this occurrence.

    Extra keyword arguments become members of the HTTP problem, so they must not contain personal
    data, except data that the caller sent itself.
    """

    slug: ClassVar[str] = "service-error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    retry_after_seconds: int | None = None

    def __init__(self, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class NotFound(ServiceError):
    """The requested row or resource does not exist."""

    slug = "not-found"
    status = 404
    title = "Not found"


class Gone(ServiceError):
    """The requested row existed and was deleted for good."""

    slug = "gone"
    status = 410
    title = "It was deleted"


class Moved(ServiceError):
    """The requested row is stored under another id, to which the request is redirected.

    parameter: the path parameter that has the former id. target: the present id.
    """

    slug = "moved"
    status = 308
    title = "It is stored under another id"
    parameter: ClassVar[str] = "id"

    def __init__(self, detail: str, *, target: str, **members: object) -> None:
        super().__init__(detail, **members)
        self.target = target


class Conflict(ServiceError):
    """The request contradicts the stored rows."""

    slug = "conflict"
    status = 409
    title = "Conflict with what is stored"


class Exists(Conflict):
    """The id of a `noun` is stored with other content."""

    slug = "exists"
    noun: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.title = f"The {cls.noun} exists with other content"

    def __init__(self, id_: str) -> None:
        super().__init__(
            f"{self.noun.capitalize()} {id_} is stored with other content. Nothing was changed.",
            **{f"{self.noun.replace(' ', '_')}_id": id_},
        )


class Invalid(ServiceError):
    """The request is understood but cannot be accepted as it is; `field` names the place."""

    slug = "invalid"
    status = 422
    title = "The request cannot be accepted as it is"


class DatabaseUnavailable(ServiceError):
    """The database does not answer, so its content is unknown."""

    slug = "database-unavailable"
    status = 503
    title = "The database is not available"
    retry_after_seconds = 5


class DatabaseBusy(ServiceError):
    """The database answers, but not now: a lock, a time-out or no connection left."""

    slug = "database-busy"
    status = 503
    title = "The database is busy"
    retry_after_seconds = 1


class QueryTooExpensive(Invalid):
    """The query of the caller takes longer than one statement may."""

    slug = "query-too-expensive"
    title = "The query takes too long"


class NeedsPostgresql(ServiceError):
    """The in-memory store cannot do this."""

    slug = "needs-postgresql"
    status = 501
    title = "This needs PostgreSQL"


class Overloaded(ServiceError):
    """The service is overloaded: the queue is full, or no thread or descriptor is left."""

    slug = "overloaded"
    status = 503
    title = "More comes in than can be done"
    retry_after_seconds = 1


class NotForPersons(ServiceError):
    """A person with limited sight asked for more than rows of their students."""

    slug = "not-for-persons"
    status = 403
    title = "Persons with limited sight may not do this"


class RowLimitsUnavailable(ServiceError):
    """Rows cannot be limited to those of a person, so a person gets none."""

    slug = "row-limits-unavailable"
    status = 501
    title = "Rows cannot be limited to those of a person"


class GroupTooSmall(ServiceError):
    """Figures are of so few rows in a person's sight that they would name somebody."""

    slug = "group-too-small"
    status = 403
    title = "Figures of so small a group are not shown"

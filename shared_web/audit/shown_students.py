"""Students whose data a route shows: by its path, or by the ids in its answer.

Each route has its decision from what FastAPI knows of it. A `GET`, or a computation for a student,
shows the student in its path; without one it shows the students whose ids its answer contains.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from shared_web.principals import Permission
from shared_web.requests.text import normalized

_PATH_PARAMETER = "student_id"
# Fields of answers with ids of students.
_FIELDS = frozenset({"student_id", "tutor_id", "learner_id"})
# Computations for a student, whose answer is more than what was sent.
_COMPUTING = frozenset({Permission.PREDICTIONS_WRITE})


class OfStudent:
    """Base of an answer about a student whose id is in another field."""

    subject_field: ClassVar[str] = "id"


@dataclass(frozen=True)
class ShownStudents:
    """Students that the answers of a route show.

    paths: names of the fields that lead to ids in the answer, through lists; none if the path of
    the route names the student.
    """

    paths: Sequence[tuple[str, ...]] = ()

    @classmethod
    def of(cls, route: APIRoute, permission: Permission | None) -> "ShownStudents | None":
        """Return the decision on a route; None if its answers show no student."""
        if not (route.methods == {"GET"} or permission in _COMPUTING):
            return None
        if _PATH_PARAMETER in {parameter.name for parameter in route.dependant.path_params}:
            return cls()
        paths = tuple(_paths(route.response_model))
        return cls(paths) if paths else None

    def ids(self, request: Request, response: Response) -> list[str]:
        """Return the ids of the students in an answer, each once, in their order."""
        if not self.paths:
            return [normalized(request.path_params[_PATH_PARAMETER])]
        answer = orjson.loads(bytes(response.body))
        found = (id_ for path in self.paths for id_ in _values(answer, path))
        return list(dict.fromkeys(found))


def _paths(shape: Any) -> Iterator[tuple[str, ...]]:
    """Yield the paths to ids of students in answers of a model."""
    if not (isinstance(shape, type) and issubclass(shape, BaseModel)):
        for part in get_args(shape):
            yield from _paths(part)
        return
    own: str | None = shape.subject_field if issubclass(shape, OfStudent) else None
    for name, field in shape.model_fields.items():
        if name in _FIELDS or name == own:
            yield (name,)
        else:
            yield from ((name, *path) for path in _paths(field.annotation))


def _values(answer: Any, path: Sequence[str]) -> Iterator[str]:
    if isinstance(answer, list):
        for item in answer:
            yield from _values(item, path)
    elif not path:
        if isinstance(answer, str):
            yield answer
    elif isinstance(answer, Mapping):
        yield from _values(answer.get(path[0]), path[1:])

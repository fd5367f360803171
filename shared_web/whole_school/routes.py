"""Declaration of routes about a whole school, and their answers.

Answers to callers who see every student are kept and shared among equal requests of equal rights.
An answer to a person with row limits is computed for this person alone.
"""

from collections.abc import Awaitable, Callable

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from shared_db.row_limits import row_limit
from shared_web.principals import Permission, Principal
from shared_web.whole_school.entity_tags import entity_tag, has_tag, is_tagged, not_modified
from shared_web.whole_school.kept_answers import KeptAnswer, KeptAnswers
from shared_web.whole_school.shared_answers import SharedAnswers

Answer = Callable[[Request], Awaitable[Response]]

# Entry of the OpenAPI document.
NOT_MODIFIED = {"description": "The client has the present answer: `If-None-Match` names its tag."}

# The client may store the answer and must ask before it uses it again.
_REVALIDATED = "private, no-cache"
# After these requests no kept answer may still count the student.
_FORGETTING = frozenset({Permission.ERASE, Permission.MERGE})


async def _declare() -> None:
    """Mark a route; it computes nothing."""


WHOLE_SCHOOL = Depends(_declare)


def is_whole_school(route: APIRoute) -> bool:
    """Return True if the route is declared with `WHOLE_SCHOOL`."""
    return any(dependency.call is _declare for dependency in route.dependant.dependencies)


def kept(answer: Answer, *, is_personal: bool) -> Answer:
    """Return the answer to a whole-school route, from those that are kept if there is one.

    is_personal: True if it names students, so that it stays in the process.
    """

    async def answer_or_kept(request: Request) -> Response:
        answers: KeptAnswers = request.app.state.kept_answers
        if not answers.is_on or row_limit() is not None:
            return await answer(request)

        key = _key(request)
        shared: SharedAnswers | None = None if is_personal else request.app.state.shared_answers

        async def compute() -> KeptAnswer:
            found = await shared.get(key) if shared else None
            if found is not None:
                return found
            computed = KeptAnswer.of(await answer(request))
            if shared:
                await shared.put(key, computed)
            return computed

        return (await answers.get(key, compute)).response()

    return answer_or_kept


def tagged(request: Request, response: Response, *, is_personal: bool) -> Response:
    """Return the response with its `ETag`, or 304 if the client has it.

    is_personal: True if it names students, so that no cache may store it.
    """
    if not is_tagged(response):
        return response
    tag = response.headers["ETag"] = entity_tag(bytes(response.body))
    if not is_personal and row_limit() is None:
        response.headers["Cache-Control"] = _REVALIDATED
    return not_modified(response) if has_tag(request.headers, tag) else response


def forgetting(permission: Permission | None, answer: Answer) -> Answer:
    """Return the answer, after which the process keeps none if students were erased or merged."""
    if permission not in _FORGETTING:
        return answer

    async def answer_and_forget(request: Request) -> Response:
        try:
            return await answer(request)
        finally:  # a commit may have succeeded although its answer failed
            request.app.state.kept_answers.clear()

    return answer_and_forget


def _key(request: Request) -> str:
    principal: Principal = request.scope["state"]["principal"]
    parameters = tuple(sorted(request.query_params.multi_items(), key=lambda pair: pair[0]))
    return repr((request.scope["path"], parameters, sorted(principal.permissions)))

"""A single event is answered the same, whether FastAPI looked its request over or not."""

import json
from typing import Any

import pytest
from httpx2 import Response

from tests.support.service_cases import JSON, WITH_BATCHES, Target, of

# A body called so goes FastAPI's way.
THOROUGH = {"content-type": "application/json; charset=utf-8"}
BODIES: dict[str, dict[str, Any]] = {
    "good": {},
    "without what may be left out": {"data": None},
    "with data": {"data": {"a": [1, 2.5, "Ω", None, True], "error_rate": 0.5}},
    "with a wrong field": {"data": 7},
    "with an unknown field": {"unknown": 1},
    "in the future": {"timestamp": "2999-01-01T00:00:00Z", "occurred_at": "2999-01-01T00:00:00Z"},
}


def described(answer: Response) -> dict[str, Any]:
    """Return all of an answer that is not of its instant."""
    own = ("request_id", "created_at", "recorded_at")
    body = {name: value for name, value in answer.json().items() if name not in own}
    headers = {k: v for k, v in answer.headers.items() if k not in {"x-request-id", "date"}}
    headers.pop("content-length")  # instants may have fewer digits
    return {"status": answer.status_code, "headers": headers, "body": body}


@of(*WITH_BATCHES)
@pytest.mark.parametrize("changes", BODIES.values(), ids=BODIES)
def test_both_ways_answer_the_same(target: Target, changes: dict[str, Any]) -> None:
    content = json.dumps({**target.service.body(), **changes})
    id_ = target.service.id_field

    swift = described(target.post(content))
    thorough = described(target.post(content.replace("001", "002"), THOROUGH))
    swift_again, again = described(target.post(content)), described(target.post(content, THOROUGH))

    assert swift["status"] == thorough["status"]
    assert swift["headers"] == thorough["headers"]
    if swift["status"] == 201:
        thorough["body"][id_] = swift["body"][id_]
        for name in ("student_id", "question_id"):
            if name in swift["body"]:
                thorough["body"][name] = swift["body"][name]
        assert again["headers"]["idempotent-replay"] == "true"
    assert swift["body"] == thorough["body"]
    assert swift_again == again


@of(*WITH_BATCHES)
def test_a_query_and_a_key_for_the_request_are_still_read(target: Target) -> None:
    id_ = target.service.id_field
    unnamed = json.dumps(target.service.body(**{id_: None}))
    headers = {**JSON, "idempotency-key": "same"}

    first, again = target.post(unnamed, headers), target.post(unnamed, headers)
    query = target.client.post(f"{target.service.route}?a=1", content=unnamed, headers=dict(JSON))

    assert first.json()[id_] == again.json()[id_]
    assert again.headers["idempotent-replay"] == "true"
    assert query.status_code == 422
    assert query.json()["errors"][0]["field"] == "a"

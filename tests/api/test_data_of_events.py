"""Consumed keys of the `data` of learning events: wrong values are refused by name."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import a_learning_event

EVENTS = "/api/v1/events"
SUBMIT, VIEW, HINT = "QUESTION_SUBMIT", "RESOURCE_VIEW", "HINT_REQUEST"

WRONG = [
    (SUBMIT, "correct", "yes", "must be true or false"),
    (SUBMIT, "correct", 1, "must be true or false"),
    (SUBMIT, "correct", [True], "must be true or false"),
    (VIEW, "clicks", "3", "must be a whole number of 0 to 100000"),
    (VIEW, "clicks", 2.5, "must be a whole number of 0 to 100000"),
    (VIEW, "clicks", -1, "must be a whole number of 0 to 100000"),
    (VIEW, "clicks", True, "must be a whole number of 0 to 100000"),
    (VIEW, "activity", 7, "must be text of 1 to 200 characters"),
    (VIEW, "activity", "", "must be text of 1 to 200 characters"),
    (VIEW, "activity", "x" * 201, "must be text of 1 to 200 characters"),
]
RIGHT = [
    (SUBMIT, {"correct": False, "answer": {"any": ["value"]}, "clicks": "unread"}),
    (SUBMIT, {"correct": None, "answer": None}),
    (VIEW, {"clicks": 3.0, "activity": "forum", "correct": "unread"}),
    (VIEW, {"clicks": None, "activity": None}),
    (HINT, {"correct": "unread", "clicks": "unread", "activity": 0}),
]


def test_a_wrong_value_is_refused_by_name(
    dropout_client: TestClient, subtests: pytest.Subtests
) -> None:
    for number, (event_type, key, value, message) in enumerate(WRONG):
        good = a_learning_event(id=f"good{number}", data={"correct": True})
        with subtests.test(event_type=event_type, key=key):
            body = a_learning_event(event_type=event_type, data={key: value, "other": "kept"})

            single = dropout_client.post(EVENTS, json=body)
            batch = dropout_client.post(f"{EVENTS}/batch", json=[body, good])
            lines = dropout_client.post(
                f"{EVENTS}/batch",
                content=json.dumps(body),
                headers={"content-type": "application/x-ndjson"},
            )

            error = {"location": "body", "field": f"data.{key}", "message": message}
            assert (single.status_code, single.json()["errors"]) == (422, [error])
            items = batch.json()["items"]
            assert [item["outcome"] for item in items] == ["refused", "stored"]
            assert items[0]["errors"] == lines.json()["items"][0]["errors"] == [error]


def test_all_wrong_keys_are_named(dropout_client: TestClient) -> None:
    data = {"clicks": "many", "activity": 7}
    refused = dropout_client.post(EVENTS, json=a_learning_event(event_type=VIEW, data=data))

    fields = [error["field"] for error in refused.json()["errors"]]
    assert fields == ["data.clicks", "data.activity"]


@pytest.mark.parametrize(("event_type", "data"), RIGHT)
def test_other_keys_and_unknown_values_are_accepted(
    dropout_client: TestClient, event_type: str, data: dict[str, Any]
) -> None:
    stored = dropout_client.post(EVENTS, json=a_learning_event(event_type=event_type, data=data))

    assert (stored.status_code, stored.json()["data"]) == (201, data)

"""Drafts and their comparison over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_draft, a_student, an_assessment, days

DRAFTS = "/api/v1/students/s001/drafts"
PERFORMANCE = "/api/v1/students/s001/performance"


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student."""
    staffstuddash_client.post("/api/v1/students", json=a_student())
    return staffstuddash_client


def text(words: int, start: int = 0) -> str:
    return " ".join(f"word{number}" for number in range(start, start + words))


def hand_in(
    client: TestClient, *versions: str, assignment: str = "essay"
) -> list[dict[str, object]]:
    answers = [
        client.post(
            DRAFTS,
            json=a_draft(
                id=f"{assignment}{number}",
                assignment_id=assignment,
                content=content,
                timestamp=(NOON + days(number)).isoformat(),
            ),
        )
        for number, content in enumerate(versions)
    ]
    assert {answer.status_code for answer in answers} == {201}
    return [answer.json() for answer in answers]


def test_the_first_version_has_nothing_to_be_compared_with(client: TestClient) -> None:
    [draft] = hand_in(client, text(50))

    assert (draft["version"], draft["word_count"]) == (1, 50)
    assert {draft[name] for name in ("lexical_similarity", "change_type", "new_words")} == {None}
    record = client.get(PERFORMANCE).json()
    assert record["draft_count"] == 1
    assert record["integrity_score"] is None
    assert record["integrity_label"] is None
    assert "never a verdict" in record["integrity_note"]


def test_each_version_is_compared_with_the_version_before(client: TestClient) -> None:
    _, second, third = hand_in(client, text(50), text(50) + " end", text(50, 100))

    assert (second["version"], second["change_type"]) == (2, "SUPERFICIAL")
    assert (second["new_words"], second["retained_share"]) == (1, 1)
    assert second["reasoning_continuity"] == "HIGH"
    assert (third["change_type"], third["reasoning_continuity"]) == ("STRUCTURAL", "LOW")
    record = client.get(PERFORMANCE).json()
    assert record["reasoning_continuity"] == "LOW"
    assert (record["integrity_score"], record["integrity_label"]) == (0, "NEEDS_REVIEW")


def test_a_jump_against_the_students_own_pace_is_flagged(client: TestClient) -> None:
    drafts = hand_in(client, text(50), text(60), text(70), text(80), text(300))

    assert [draft["sudden_jump_flag"] for draft in drafts] == [None, None, None, None, True]
    record = client.get(PERFORMANCE).json()
    assert record["sudden_jump_flag"]
    assert record["assignments"] == [
        {
            "assignment_id": "essay",
            "revision_count": 4,
            "integrity_score": 0.5,
            "integrity_label": "CONSISTENT",
            "sudden_jump_flag": True,
        }
    ]


def test_a_jump_is_unknown_until_a_revision_can_be_judged(client: TestClient) -> None:
    def flags() -> tuple[object, list[object]]:
        record = client.get(PERFORMANCE).json()
        return record["sudden_jump_flag"], [
            one["sudden_jump_flag"] for one in record["assignments"]
        ]

    before = flags()
    hand_in(client, text(50), text(60), text(70))
    unjudged = flags()
    hand_in(client, text(50), text(60), text(70), text(80), assignment="report")

    assert before == (None, [])
    assert unjudged == (None, [None])
    assert flags() == (False, [None, False])


def test_each_assignment_counts_versions_and_all_share_the_pace(client: TestClient) -> None:
    hand_in(client, text(50), text(60), text(70), text(80))
    first, second = hand_in(client, text(40), text(240), assignment="report")

    assert (first["version"], second["version"]) == (1, 2)
    assert second["sudden_jump_flag"] is True


def test_a_draft_is_activity(client: TestClient) -> None:
    client.post("/api/v1/assessments", json=an_assessment())
    hand_in(client, text(5), text(6))

    record = client.get(PERFORMANCE).json()

    assert record["last_submitted_at"] == "2026-03-02T12:00:00Z"
    assert record["last_activity_at"] == record["last_draft_at"] == "2026-03-03T12:00:00Z"


def test_the_same_draft_again_is_one_version(client: TestClient) -> None:
    first = client.post(DRAFTS, json=a_draft())
    again = client.post(DRAFTS, json=a_draft())
    other = client.post(DRAFTS, json=a_draft(content="Something else."))

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replay"] == "true"
    assert other.status_code == 409
    assert len(client.get(DRAFTS).json()["items"]) == 1


def test_drafts_without_words_are_stored_but_not_compared(client: TestClient) -> None:
    _, second = hand_in(client, "...", "?!")

    assert (second["version"], second["word_count"], second["lexical_similarity"]) == (2, 0, None)


@pytest.mark.parametrize(
    "change",
    [{"content": ""}, {"content": "a" * 100_001}, {"content": "a\x00"}, {"assignment_id": "a/b"}],
)
def test_a_wrong_draft_is_refused(client: TestClient, change: dict[str, object]) -> None:
    answer = client.post(DRAFTS, json=a_draft(**change))

    assert answer.status_code == 422
    assert client.get(DRAFTS).json()["items"] == []


def test_a_draft_of_an_unknown_student_is_refused(client: TestClient) -> None:
    assert client.post("/api/v1/students/nobody/drafts", json=a_draft()).status_code == 404
    assert client.get("/api/v1/students/nobody/drafts").status_code == 404


def test_drafts_are_listed_latest_first_and_filtered(client: TestClient) -> None:
    hand_in(client, text(5), text(6), text(7))
    hand_in(client, text(5), assignment="report")

    page = client.get(DRAFTS, params={"limit": 2, "assignment_id": "essay"}).json()
    rest = client.get(DRAFTS, params={"assignment_id": "essay", "after": page["next"]}).json()

    assert [d["version"] for d in page["items"] + rest["items"]] == [3, 2, 1]

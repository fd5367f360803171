"""Batches and tables of marks sent by persons: their items are answered one by one."""

import pytest
from starlette.testclient import TestClient

from tests.row_limits.conftest import STUDENTS
from tests.row_limits.rows import counts
from tests.support.factories import an_assessment
from tests.support.persons import Managers, by

TEACHER = by("t1")


class TestBatches:
    """Batches and tables of marks; each item has its own answer."""

    @pytest.mark.parametrize("count", [1, 6])
    def test_items_are_refused_as_those_of_absent_students(
        self, staffstuddash: TestClient, managers: Managers, count: int
    ) -> None:
        ids = [*STUDENTS, "absent"]
        items = [
            an_assessment(id=f"b-{id_}-{n}", student_id=id_) for id_ in ids for n in range(count)
        ]
        before = counts(managers, "staffstuddash")
        answer = staffstuddash.post("/api/v1/assessments/batch", json=items, headers=TEACHER)

        body = answer.json()
        assert (body["stored"], body["refused"]) == (2 * count, 3 * count)
        reasons = {
            str(one["errors"]).replace(items[one["index"]]["student_id"], "ID")
            for one in body["items"]
            if one["outcome"] == "refused"
        }
        assert len(reasons) == 1, reasons
        assert counts(managers, "staffstuddash")[0] == before[0] + 2 * count

    @pytest.mark.parametrize("conflict", ["refuse", "update"])
    def test_rows_of_a_table_too(
        self, staffstuddash: TestClient, managers: Managers, conflict: str
    ) -> None:
        ids = [*STUDENTS, "absent"]
        lines = [f"c-{id_},{id_},quiz,Math,5" for id_ in ids]
        table = "\n".join(["id,student_id,type,subject,score", *lines])
        before = counts(managers, "staffstuddash")
        answer = staffstuddash.post(
            "/api/v1/assessments/csv",
            params={"on_conflict": conflict},
            content=table,
            headers={**TEACHER, "content-type": "text/csv"},
        )

        assert answer.status_code == 200, answer.text
        assert counts(managers, "staffstuddash")[0] == before[0] + 2, answer.text

    def test_tables_of_other_kinds_are_refused(
        self, staffstuddash: TestClient, managers: Managers
    ) -> None:
        before = counts(managers, "staffstuddash")
        answer = staffstuddash.post(
            "/api/v1/students/csv",
            content="id,name\ns9,Nine",
            headers={**TEACHER, "content-type": "text/csv"},
        )

        assert answer.status_code == 403, answer.text
        assert counts(managers, "staffstuddash") == before

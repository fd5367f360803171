"""Drafts of results: assessments with the subject and maximum of their line item."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time

from staffstuddash_service.datastore import AssessmentToStore
from staffstuddash_service.domain.scores import EXTRA_CREDIT_TIMES
from veritas_cli.oneroster.drafts import Draft, Need, Reference
from veritas_cli.oneroster.reading.cells import LeftOut, Row, RowRefused, plain_word
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.staging import StagedRow, Staging

# Of a line item without a category, and without a maximum.
_TYPE = "assignment"
_MAX_SCORE = 100.0
_HIGHEST_MAX_SCORE = 1e9
_NOON = time(12, tzinfo=UTC)
_STATUSES = {
    status: plain_word(status)
    for status in ("exempt", "fully graded", "not submitted", "partially graded", "submitted")
}


class ResultDrafts:
    """Drafts of a batch of results, for which line items, classes and courses are looked up.

    is_delta: the export may lack line items that have not changed.
    """

    def __init__(self, staging: Staging, batch: Sequence[StagedRow], *, is_delta: bool) -> None:
        self._is_delta = is_delta
        self._items = staging.find(File.LINE_ITEMS, _named(batch, "lineItemSourcedId"))
        items = self._items.values()
        self._classes = staging.find(File.CLASSES, _named(items, "classSourcedId"))
        self._courses = staging.find(
            File.COURSES, _named(self._classes.values(), "courseSourcedId")
        )
        self._categories = staging.find(File.CATEGORIES, _named(items, "categorySourcedId"))

    def draft(self, staged: StagedRow) -> Draft:
        """Return the assessment of a result.

        Raises:
            RowRefused: a cell is wrong.
            LeftOut: the result has no score.

        """
        row = Row(staged.cells)
        student, item_id = row.id("studentSourcedId"), row.id("lineItemSourcedId")
        status = row.choice("scoreStatus", _STATUSES) if row.has("scoreStatus") else None
        excused = status == "exempt"
        score = row.number_or_none("score")
        if score is None and not excused:
            raise LeftOut("the result has no score")
        scored_on = row.past_day_or_none("scoreDate")
        references = (
            Reference("studentSourcedId", File.USERS, (student,), Need.STUDENT),
            Reference("lineItemSourcedId", File.LINE_ITEMS, (item_id,), is_optional=self._is_delta),
        )
        item = self._items.get(item_id)
        if item is None or item.is_ending:
            return Draft(staged, (), references)
        record = self._assessment(staged.id, student, item, scored_on, None if excused else score)
        return Draft(staged, (record,), references)

    def _assessment(
        self,
        id_: str,
        student: str,
        item: StagedRow,
        scored_on: date | None,
        score: float | None,
    ) -> AssessmentToStore:
        cells = Row(item.cells)
        max_score = _max_score(cells)
        if score is not None and score > EXTRA_CREDIT_TIMES * max_score:
            raise RowRefused("score", f"must not be above {EXTRA_CREDIT_TIMES} x resultValueMax")
        day = scored_on or cells.past_day_or_none("dueDate")
        if day is None:
            raise RowRefused("scoreDate", "is missing")
        return AssessmentToStore(
            student,
            self._type(cells),
            self._subject(cells),
            score,
            max_score,
            timestamp=datetime.combine(day, _NOON),
            id=id_,
            extra_credit=score is not None and score > max_score,
            excused=score is None,
        )

    def _type(self, item: Row) -> str:
        category = self._categories.get(item.cells.get("categorySourcedId", ""))
        if category is None or category.is_ending:
            return _TYPE
        title = Row(category.cells).label_or_none("title")
        return title or _TYPE

    def _subject(self, item: Row) -> str:
        """Return the first subject of the class or its course, else the title of one."""
        class_ = self._classes.get(item.id("classSourcedId"))
        if class_ is None or class_.is_ending:
            raise LeftOut("the class of its line item is not in classes.csv, or ends")
        row = Row(class_.cells)
        course = self._courses.get(row.cells.get("courseSourcedId", ""))
        of_course = Row({} if course is None else course.cells)
        subjects = row.labels("subjects") or of_course.labels("subjects")
        return subjects[0] if subjects else of_course.label_or_none("title") or row.label("title")


def line_item(staged: StagedRow, *, is_delta: bool) -> Draft:
    """Return the checked references of a line item, which is stored with its results only."""
    row = Row(staged.cells)
    row.label("title")
    _max_score(row)
    row.day_or_none("dueDate")
    class_ = Reference("classSourcedId", File.CLASSES, (row.id("classSourcedId"),))
    category = row.id_or_none("categorySourcedId")
    found = [class_]
    if category is not None and not is_delta:
        found.append(Reference("categorySourcedId", File.CATEGORIES, (category,), may_end=True))
    return Draft(staged, (), tuple(found))


def category(staged: StagedRow) -> Draft:
    """Return the checked draft of a category, which is stored as the type of assessments only."""
    Row(staged.cells).label("title")
    return Draft(staged, ())


def _max_score(row: Row) -> float:
    found = row.number_or_none("resultValueMax")
    if found is not None and not 0 < found <= _HIGHEST_MAX_SCORE:
        raise RowRefused("resultValueMax", f"must be above 0 and at most {_HIGHEST_MAX_SCORE:g}")
    return _MAX_SCORE if found is None else found


def _named(rows: Collection[StagedRow], column: str) -> set[str]:
    return {row.cells[column] for row in rows if column in row.cells}

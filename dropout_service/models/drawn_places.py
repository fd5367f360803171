"""Log of the drawn orders of lists."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.models.base import Base
from shared_db.columns import Key
from shared_db.personal_data import STUDENT, UNTIL_ERASED, Ageing, register


@register(
    STUDENT,
    columns="course week student_id place position band_first band_last as_of",
    purpose="to know afterwards if it helped to be listed first, where the order was drawn",
    keep=UNTIL_ERASED,
    ageing=Ageing("predictions", "as_of"),
)
class DrawnPlace(Base):
    """Position of a student in the drawn order of a course in a week; never updated."""

    __tablename__ = "drawn_places"
    __table_args__ = (
        CheckConstraint("place BETWEEN band_first AND band_last", name="place_in_band"),
        CheckConstraint("position >= band_first", name="position_in_band"),
        Index(None, "student_id"),
        # For the bands that a list of some length cuts, over all courses.
        Index(None, "band_first", "week"),
    )

    course: Mapped[str] = mapped_column(Key, primary_key=True)
    week: Mapped[date] = mapped_column(
        primary_key=True, comment="Its Monday (UTC); an order is drawn once a week"
    )
    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("dropout.students.id"), primary_key=True
    )
    place: Mapped[int] = mapped_column(comment="By risk, 1 is the highest")
    position: Mapped[int] = mapped_column(comment="In the drawn order")
    band_first: Mapped[int] = mapped_column(comment="First place of the band")
    band_last: Mapped[int]
    as_of: Mapped[datetime] = mapped_column(comment="Of the predictions")

"""The orders in which the teacher's dashboard can be read."""

from enum import StrEnum


class Order(StrEnum):
    """What rows are sorted by, `-` for the highest or latest first; no value is always last."""

    STUDENT_ID = "student_id"
    NAME = "name"
    NAME_BACKWARDS = "-name"
    LOWEST_MEAN = "mean_percentage"
    HIGHEST_MEAN = "-mean_percentage"
    LONGEST_SILENT = "last_activity_at"
    LATEST_ACTIVE = "-last_activity_at"
    LOWEST_RISK = "risk_score"
    HIGHEST_RISK = "-risk_score"

    @property
    def is_by_risk(self) -> bool:
        """Tell whether it needs the risk that the dropout service publishes."""
        return self in {Order.LOWEST_RISK, Order.HIGHEST_RISK}

    @property
    def is_descending(self) -> bool:
        """Tell whether the highest, latest or last in the alphabet comes first."""
        return self.startswith("-")

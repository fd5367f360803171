"""Sort orders of the teacher dashboard."""

from enum import StrEnum


class Order(StrEnum):
    """Sort key of the rows; `-` is highest or latest first, rows without a value are last."""

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
        """Return True if the order needs the risk published by the dropout service."""
        return self in {Order.LOWEST_RISK, Order.HIGHEST_RISK}

    @property
    def is_descending(self) -> bool:
        """Return True if the highest, latest or alphabetically last row comes first."""
        return self.startswith("-")

"""Risk levels, as the dropout service publishes them."""

from enum import StrEnum


class RiskLevel(StrEnum):
    """Level of a student's dropout risk, as the dropout service publishes it."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

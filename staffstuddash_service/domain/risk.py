"""The words of the dropout service for how high a risk is."""

from enum import StrEnum


class RiskLevel(StrEnum):
    """How high a student's dropout risk is, as the dropout service publishes it."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

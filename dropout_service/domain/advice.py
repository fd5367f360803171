"""Codes of advice: the name of the indicator or topic that a recommendation is given for."""

from dropout_service.domain.enrolments.explanation_topics import TOPICS
from dropout_service.domain.rules.risk import INDICATORS

# Stored predictions have the texts alone.
ADVICE = {one.name: one.advice for one in (*INDICATORS, *TOPICS)}
_CODES = {text: name for name, text in ADVICE.items()}


def advice_code(text: str) -> str | None:
    """Return the code of a recommendation; None for texts of other releases or from elsewhere."""
    return _CODES.get(text)

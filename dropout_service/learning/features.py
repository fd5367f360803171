"""Which features a model looks at, and which way they may push."""

from dropout_service.domain.enrolment_features import ENROLMENT_FEATURES

# The day of the course is no sign of anything about the student, but says how to read the others.
DAY = "day"
DIRECTIONS = {DAY: 0, **{feature.name: feature.direction for feature in ENROLMENT_FEATURES}}
WITH_ACTIVITY = tuple(DIRECTIONS)
WITHOUT_ACTIVITY = (
    DAY,
    *(feature.name for feature in ENROLMENT_FEATURES if not feature.needs_activity),
)

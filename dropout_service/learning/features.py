"""Which features a model looks at, and which way they may push."""

from dropout_service.domain.enrolment_features import ENROLMENT_FEATURES

# The day of the course is no sign of anything about the student, but says how to read the others.
DAY = "day"
DIRECTIONS = {DAY: 0, **{feature.name: feature.direction for feature in ENROLMENT_FEATURES}}
KNOWN = tuple(DIRECTIONS)
_NEED_ACTIVITY = {feature.name for feature in ENROLMENT_FEATURES if feature.needs_activity}
KNOWN_WITHOUT_ACTIVITY = tuple(name for name in KNOWN if name not in _NEED_ACTIVITY)

_OF_COURSE = {feature.name for feature in ENROLMENT_FEATURES if feature.is_of_course}
WITH_ACTIVITY = tuple(name for name in KNOWN if name not in _OF_COURSE)
WITHOUT_ACTIVITY = tuple(name for name in KNOWN_WITHOUT_ACTIVITY if name not in _OF_COURSE)

"""Which features a model looks at, and which way they may push."""

from dropout_service.domain.enrolments.enrolment_features import DAY, ENROLMENT_FEATURES

DIRECTIONS = {DAY: 0, **{feature.name: feature.direction for feature in ENROLMENT_FEATURES}}
KNOWN = tuple(DIRECTIONS)
_NEED_ACTIVITY = {feature.name for feature in ENROLMENT_FEATURES if feature.needs_activity}
KNOWN_WITHOUT_ACTIVITY = tuple(name for name in KNOWN if name not in _NEED_ACTIVITY)

_NOT_LEARNED = {feature.name for feature in ENROLMENT_FEATURES if not feature.is_trained_on}
WITH_ACTIVITY = tuple(name for name in KNOWN if name not in _NOT_LEARNED)
WITHOUT_ACTIVITY = tuple(name for name in KNOWN_WITHOUT_ACTIVITY if name not in _NOT_LEARNED)

"""Range of a score: up to the maximum, with extra credit above it, or none if excused."""

# A limit against mistyped scores. The orders of the dashboard also need means below 1000.
EXTRA_CREDIT_TIMES = 2
# Sums of decimal fractions exceed their maximum in the last digits: 0.1 + 0.2 > 0.3.
_TOLERANCE = 1e-9


def stored_score(
    score: float | None, max_score: float, *, extra_credit: bool = False, excused: bool = False
) -> float | None:
    """Return the score to store, at most the highest possible one; None if excused.

    score: 0 to max_score, with extra credit to twice of it. A score that is higher by at most
    1e-9 of the maximum counts as the highest. max_score: above 0.

    Raises:
        ValueError: the score or max_score is out of range, or missing, or given though excused.

    """
    if not max_score > 0:
        raise ValueError("a score lies between 0 and max_score, which is above 0")
    if excused:
        if score is not None:
            raise ValueError("excused work has no score: send null, or false for excused")
        return None
    if score is None:
        raise ValueError("score must be given unless excused is true")
    highest = max_score * (EXTRA_CREDIT_TIMES if extra_credit else 1)
    if not 0 <= score <= highest * (1 + _TOLERANCE):
        limit = (
            f"{EXTRA_CREDIT_TIMES} x max_score"
            if extra_credit
            else "max_score; for a higher score send extra_credit: true"
        )
        raise ValueError(f"a score lies between 0 and {limit}")
    return min(float(score), float(highest))

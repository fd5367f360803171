"""Signs among the stored indicators of a prediction."""

from collections.abc import Mapping, Sequence
from typing import Any

Indicator = Mapping[str, Any]


def signs_of(primary: Sequence[Indicator], secondary: Sequence[Indicator]) -> list[Indicator]:
    """Return the indicators that are signs, the largest contribution first.

    Those by the rules have no `is_sign`: they are all signs.
    """
    signs = [one for one in (*primary, *secondary) if one.get("is_sign") is not False]
    return sorted(signs, key=lambda sign: -sign["contribution"])

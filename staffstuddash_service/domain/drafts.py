"""Comparison of a version of a text with the previous one, by words and not by meaning."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from rapidfuzz.distance import LCSseq

from staffstuddash_service.domain.words import count_characters

SUPERFICIAL_BELOW = 0.05
STRUCTURAL_FROM = 0.30
MOVED_FROM = 0.10
HIGH_CONTINUITY = 0.7
MEDIUM_CONTINUITY = 0.4
JUMP_FACTOR = 3
MIN_JUMP_WORDS = 100
# About two characters of a script without spaces make a word.
MIN_JUMP_CHARACTERS = 200
MIN_REVISIONS = 3


class ChangeType(StrEnum):
    """Type of the change in a version."""

    SUPERFICIAL = "SUPERFICIAL"
    STRUCTURAL = "STRUCTURAL"
    CORRECTIVE = "CORRECTIVE"


class Continuity(StrEnum):
    """Share of the previous text that was kept in its order, as a level."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


@dataclass(frozen=True)
class Revision:
    """Change from one version to the next; shares are 0 to 1."""

    lexical_similarity: float
    retained_share: float
    new_words: int
    change_type: ChangeType
    reasoning_continuity: Continuity


def compare(before: Sequence[str], after: Sequence[str]) -> Revision | None:
    """Return the change from the words before to the words after; None if one has no words.

    lexical_similarity: 2 x common / (before + after), the normalised Indel similarity; common is
    the longest sequence of words that both have in the same order. retained_share: common /
    before. new_words: after - common.

    SUPERFICIAL: less than 5 % of the words differ (1 - lexical_similarity). STRUCTURAL: 30 % or
    more differ, or 10 % of the words are in both but in another place. CORRECTIVE: between.
    Continuity is HIGH from a retained share of 0.7, MEDIUM from 0.4, else LOW.
    """
    if not before or not after:
        return None
    common = LCSseq.similarity(before, after)
    total = len(before) + len(after)
    similarity = 2 * common / total
    shared = sum((Counter(before) & Counter(after)).values())
    return Revision(
        lexical_similarity=similarity,
        retained_share=common / len(before),
        new_words=len(after) - common,
        change_type=_change_type(1 - similarity, 2 * (shared - common) / total),
        reasoning_continuity=_continuity(common / len(before)),
    )


def _change_type(changed: float, moved: float) -> ChangeType:
    if changed < SUPERFICIAL_BELOW:
        return ChangeType.SUPERFICIAL
    if changed >= STRUCTURAL_FROM or moved >= MOVED_FROM:
        return ChangeType.STRUCTURAL
    return ChangeType.CORRECTIVE


def _continuity(retained: float) -> Continuity:
    if retained >= HIGH_CONTINUITY:
        return Continuity.HIGH
    return Continuity.MEDIUM if retained >= MEDIUM_CONTINUITY else Continuity.LOW


def min_jump(words: Sequence[str]) -> int:
    """Return the least new words of a jump in a text of these words.

    It is 200 if most of them are characters of scripts without spaces, otherwise 100.
    """
    is_of_characters = 2 * count_characters(words) > len(words)
    return MIN_JUMP_CHARACTERS if is_of_characters else MIN_JUMP_WORDS


def is_sudden_jump(
    new_words: int, earlier: Sequence[int], least: int = MIN_JUMP_WORDS
) -> bool | None:
    """Return True if the new words exceed the student's own pace by far.

    earlier: the new words of the student's earlier revisions. A jump is at least `least` new words
    and three times the median of these. None below three earlier revisions: the pace is unknown.
    """
    if len(earlier) < MIN_REVISIONS:
        return None
    return new_words >= max(least, JUMP_FACTOR * median(earlier))

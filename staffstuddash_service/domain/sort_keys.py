"""Keys by which names are sorted and found: letters without marks, case and width.

They follow no national order: `ö` is sorted as `o` for Germans and Swedes alike. Both stores get
the same keys, computed here, and compare them by code point.
"""

import unicodedata

# Letters that Unicode does not decompose, by the letters that people type instead.
_PLAIN = {
    "\u0131": "i", "ȷ": "j", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "þ": "th",
    "æ": "ae", "œ": "oe", "ŋ": "n", "ə": "e", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ɲ": "n", "ƴ": "y",
    "ʉ": "u", "ɨ": "i", "ƶ": "z", "ĸ": "k", "ǝ": "e",
    # Apostrophes and dashes of word processors and of transliterations.
    "\u2018": "'", "\u2019": "'", "\u02bb": "'", "\u02bc": "'", "\u02b9": "'", "`": "'",
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
}  # fmt: skip
_TABLE = str.maketrans(_PLAIN)
# Fillers and selectors, which are letters and marks by their category but have no picture.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {
    chr(code) for code in (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))
}
# Combining classes of accents and vowel points. The signs of Indic, Thai and Japanese scripts have
# other classes: without these a word would be another one.
_OVERLAY, _POINTS, _ACCENTS = 1, range(10, 37), range(202, 241)


def sort_key(text: str) -> str:
    """Return the text in lower case without accents, invisible characters and repeated spaces."""
    if not text.isascii():
        text = _without_marks(unicodedata.normalize("NFKD", text)).casefold()
        text = _without_marks(unicodedata.normalize("NFKD", text.translate(_TABLE)))
        text = unicodedata.normalize("NFC", text)
    else:
        text = text.casefold().translate(_TABLE)
    return " ".join(text.split())


def _without_marks(text: str) -> str:
    return "".join(letter for letter in text if not _is_dropped(letter))


def _is_dropped(letter: str) -> bool:
    if letter.isascii():
        return False
    place = unicodedata.combining(letter)
    if place == _OVERLAY or place in _POINTS or place in _ACCENTS:
        return True
    return letter in _INVISIBLE or unicodedata.category(letter) == "Cf"

"""Visible text of HTML: that of the pages themselves, apart from data."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"br", "circle", "hr", "img", "input", "line", "link", "meta", "rect"})
_HIDDEN = frozenset({"script", "style"})
# Data stand in <bdi>, commands in <code>; a <title> in SVG names a piece of work or an action.
_DATA = frozenset({"bdi", "code"})
_SHOWN_ATTRIBUTES = ("aria-label", "alt", "title", "placeholder", "data-label")
_BRACKETED = re.compile(r"\[[^\[\]]*\]")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass
class Element:
    """Open element; is_data: it or one around it holds data."""

    name: str
    is_data: bool
    classes: frozenset[str]


@dataclass(frozen=True)
class Text:
    """Text of an element or of an attribute."""

    content: str
    is_data: bool
    classes: frozenset[str]


@dataclass
class _Reader(HTMLParser):
    language: str | None = None
    texts: list[Text] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang")
        is_data = (
            self._in_data() or tag in _DATA or given.get("lang", self.language) != self.language
        )
        is_data = is_data or (tag == "title" and any(one.name == "svg" for one in self.open))
        element = Element(tag, is_data, frozenset((given.get("class") or "").split()))
        for name in _SHOWN_ATTRIBUTES:
            if given.get(name):
                self.texts.append(Text(str(given[name]), is_data, element.classes))
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop().name != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(one.name in _HIDDEN for one in self.open):
            classes = frozenset[str]().union(*(one.classes for one in self.open))
            self.texts.append(Text(data, self._in_data(), classes))

    def _in_data(self) -> bool:
        return any(one.is_data for one in self.open)


def texts(html: str) -> list[Text]:
    """Return the visible texts of a page, in their order."""
    reader = _Reader()
    reader.feed(html)
    return reader.texts


def words(html: str) -> str:
    """Return the visible text of a page, with one space between words."""
    return " ".join(" ".join(text.content for text in texts(html)).split())


def outside_brackets(html: str, data: tuple[str, ...] = ()) -> list[str]:
    """Return texts of the page that have letters outside of [brackets]; data: names and ids."""
    found = []
    # A text goes on behind data in it.
    left = ""
    for text in texts(html):
        if text.is_data:
            continue
        left += text.content
        for known in data:
            left = left.replace(known, "")
        while left != (inner := _BRACKETED.sub("", left)):
            left = inner
        if "[" in left:
            continue
        if _LETTER.search(left):
            found.append(left.strip())
        left = ""
    return [*found, *([left] if left else [])]

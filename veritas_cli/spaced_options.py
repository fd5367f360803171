"""Options that take several values after one name, separated by spaces."""

from typing import Any, ClassVar

from typer.core import TyperCommand


class SpacedOptionsCommand(TyperCommand):
    """Command whose `spaced` options take all words up to the next option.

    Click alone would read the second word as an argument of the command.
    """

    spaced: ClassVar[frozenset[str]] = frozenset({"--train", "--test"})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the name of the option before each further word."""
        return super().parse_args(ctx, list(_repeated(args, self.spaced)))


def _repeated(args: list[str], spaced: frozenset[str]) -> list[str]:
    found = list[str]()
    name: str | None = None
    is_first = False
    for word in args:
        if word.startswith("-") and word != "-":
            option, equals, _ = word.partition("=")
            name, is_first = (option if option in spaced else None), not equals
            found.append(word)
            continue
        if name is not None and not is_first:
            found.append(name)
        found.append(word)
        is_first = False
    return found

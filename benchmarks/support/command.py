"""Command line of the benchmarks: each is a module with a docstring, `add_arguments` and `main`."""

import sys
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, cast

import benchmarks


class Benchmark(Protocol):
    """One benchmark; `main` returns False if a limit is exceeded."""

    add_arguments: Callable[[ArgumentParser], None]
    main: Callable[[Namespace], bool]


class Parser(ArgumentParser):
    """A parser that knows whether an argument is required."""

    is_optional = True

    def add_argument(self, *names: Any, **options: Any) -> Action:
        """Add an argument."""
        action = super().add_argument(*names, **options)
        self.is_optional &= not action.required
        return action


def names() -> list[str]:
    """Return the names of all benchmarks."""
    found = (module.name for module in iter_modules(benchmarks.__path__) if not module.ispkg)
    return sorted(name for name in found if name != "__main__")


def load(name: str) -> tuple[Benchmark, Parser]:
    """Return a benchmark and the parser of its arguments."""
    module = import_module(f"benchmarks.{name}")
    parser = Parser(prog=f"python -m benchmarks {name}", description=module.__doc__)
    benchmark = cast("Benchmark", module)
    benchmark.add_arguments(parser)
    return benchmark, parser


def run(name: str, arguments: Sequence[str] | None = None) -> None:
    """Run a benchmark with the arguments, by default those of this process; exit with 1 or 0."""
    benchmark, parser = load(name)
    sys.exit(0 if benchmark.main(parser.parse_args(arguments)) else 1)

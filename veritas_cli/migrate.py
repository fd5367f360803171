"""`veritas migrate`: bring the tables to this release."""

from veritas_cli.connecting import command_settings, connected_engine, refusals_in_one_line
from veritas_cli.histories import HISTORIES
from veritas_cli.terminal import say


def migrate() -> None:
    """Bring the tables of all services to this release; running it again changes nothing."""
    with refusals_in_one_line("migrate"):
        engine = connected_engine(command_settings(), "migrate")
        for history in HISTORIES:
            with engine.connect() as connection:
                before = history.current(connection)
            history.upgrade(engine)
            head = history.head()
            change = "is up to date" if before == head else f"{before or 'new'} -> {head}"
            say(f"{history.schema:<14} {change}")

"""Report of an import: a row per file, then notes and the refused rows."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from veritas_cli.oneroster.reading.account import Account, Effect, FileAccount, refusal_lines

_COLUMNS = ("File", "Read", "New", "Changed", "Same", "Ended", "Left out", "Refused")


def print_account(console: Console, account: Account) -> None:
    """Print the counts of each file and kind, the notes, and the first refused rows."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="left" if column == "File" else "right", no_wrap=True)
    for file in account.files.values():
        table.add_row(file.name, *_counts(file))
        if len(file.effects) > 1:
            for kind, effects in file.effects.items():
                own = (f"{effects[effect]:,}" for effect in Effect)
                table.add_row(f"  {kind}", "", *own, "", "")
    console.print(table)
    for note in account.notes:
        console.print(note, soft_wrap=True)
    for file in account.files.values():
        for reason, count in file.left_out.most_common():
            console.print(f"{file.name}: {count:,} left out: {reason}.", soft_wrap=True)
    for line in refusal_lines(account.files.values()):
        console.print(line, soft_wrap=True)


def _counts(file: FileAccount) -> list[str]:
    effects = [file.total(effect) for effect in Effect]
    counts = (file.read, *effects, file.left_out.total(), file.refused)
    return [f"{count:,}" for count in counts]

"""Group of the import commands."""

import typer

from veritas_cli.commands.imports.csv_table import csv_table
from veritas_cli.commands.imports.oneroster import oneroster
from veritas_cli.commands.imports.oulad import oulad

imports = typer.Typer(no_args_is_help=True)


@imports.callback()
def imported() -> None:
    """Import a school's roster, or datasets of other institutions."""


imports.command("csv")(csv_table)
imports.command("oneroster")(oneroster)
imports.command("oulad")(oulad)

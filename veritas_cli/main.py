"""Command line of Veritas."""

import typer

from veritas_cli.commands.access.keys import keys
from veritas_cli.commands.access.roles import roles
from veritas_cli.commands.archive.group import archive
from veritas_cli.commands.audit.group import audit
from veritas_cli.commands.backup import backup
from veritas_cli.commands.check import check
from veritas_cli.commands.demo import demo
from veritas_cli.commands.erase import erase
from veritas_cli.commands.evaluate import evaluate
from veritas_cli.commands.imports.group import imports
from veritas_cli.commands.migrate import migrate
from veritas_cli.commands.models.group import models
from veritas_cli.commands.models.retrain import retrain
from veritas_cli.commands.owner import owner
from veritas_cli.commands.people.digest import digest
from veritas_cli.commands.people.group import people
from veritas_cli.commands.predict import predict
from veritas_cli.commands.restore import restore
from veritas_cli.commands.retention import retention
from veritas_cli.commands.roster.term import term
from veritas_cli.commands.spool import spool_commands
from veritas_cli.commands.students.export import export
from veritas_cli.commands.students.merge import students
from veritas_cli.commands.train import train_command
from veritas_cli.commands.up import up
from veritas_cli.spaced_options import SpacedOptionsCommand

app = typer.Typer(
    name="veritas",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with values could show a password.
    pretty_exceptions_enable=False,
)


@app.callback()
def veritas() -> None:
    """Run and maintain Veritas."""


app.command("up")(up)
app.command("migrate")(migrate)
app.command("owner")(owner)
app.command("check")(check)
app.command("backup")(backup)
app.command("restore")(restore)
app.command("demo")(demo)
app.command("digest")(digest)
app.command("erase")(erase)
app.command("export")(export)
app.command("retention")(retention)
app.command("train", cls=SpacedOptionsCommand)(train_command)
app.command("retrain")(retrain)
app.command("evaluate", cls=SpacedOptionsCommand)(evaluate)
app.command("predict")(predict)
app.add_typer(archive, name="archive")
app.add_typer(audit, name="audit")
app.add_typer(imports, name="import")
app.add_typer(keys, name="keys")
app.add_typer(models, name="models")
app.add_typer(people, name="people")
app.add_typer(roles, name="roles")
app.add_typer(spool_commands, name="spool")
app.add_typer(students, name="students")
app.add_typer(term, name="term")

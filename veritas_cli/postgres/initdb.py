"""Creation of PostgreSQL's data directory, with one user and its password."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from shared_db.provisioning.scram import scram_verifier
from veritas_cli.postgres.admin_connection import USER
from veritas_cli.postgres.binaries import LocalPostgresError, Programs
from veritas_cli.postgres.data_directory import PostgresFolder, environment


def create_data(folder: PostgresFolder, programs: Programs, *, durable: bool) -> None:
    """Create the data directory in the folder, all or nothing.

    Raises:
        LocalPostgresError: initdb failed; its last line is in the message.

    """
    partial = folder.path / "data.partial"
    for locale in ("C.UTF-8", "C"):  # every system has the second
        shutil.rmtree(partial, ignore_errors=True)
        answer = _run_initdb(folder, programs, partial, locale, durable=durable)
        if answer.returncode == 0:
            partial.rename(folder.data)
            return
        if "locale" not in answer.stderr:
            break
    reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
    raise LocalPostgresError(
        f"PostgreSQL's data cannot be made in {folder.path} with {programs.path('initdb')}: "
        f"{reason}"
    )


def _run_initdb(
    folder: PostgresFolder, programs: Programs, data: Path, locale: str, *, durable: bool
) -> subprocess.CompletedProcess[str]:
    with tempfile.NamedTemporaryFile("w", dir=folder.path) as verifier:
        verifier.write(scram_verifier(folder.password()))
        verifier.flush()
        if folder.account:
            folder.account.chown(Path(verifier.name))
        command = [str(programs.path("initdb")), "-D", str(data), "-U", USER, "-E", "UTF8"]
        command += [f"--locale={locale}", "--auth=scram-sha-256", f"--pwfile={verifier.name}"]
        return subprocess.run(  # noqa: S603 - PostgreSQL's own program
            command if durable else [*command, "--no-sync"],
            check=False,
            capture_output=True,
            text=True,
            cwd=folder.path,
            env=environment(),
            **folder.popen_arguments,
        )

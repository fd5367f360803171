"""Creation of PostgreSQL's data directory, with one user and its password."""

import base64
import hashlib
import hmac
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

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


def scram_verifier(password: str) -> str:
    """Return the SCRAM verifier of the password (RFC 5803), with one round of hashing.

    The usual 4,096 rounds protect weak passwords. With 256 random bits they would only cost each
    new connection 4 ms.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt_64, stored_64, server_64 = (
        base64.b64encode(part).decode() for part in (salt, stored_key, server_key)
    )
    return f"SCRAM-SHA-256$1:{salt_64}${stored_64}:{server_64}"

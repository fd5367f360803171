"""Fuzz each service as a real process on PostgreSQL: `python -m tests.fuzz [SERVICE ...]`."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.service_processes import Server, migrated_server, service
from veritas_cli.postgres.server import THROW_AWAY

SERVICES = ("monitoring", "staffstuddash", "dropout")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def fuzz(name: str, server: Server) -> subprocess.CompletedProcess[str]:
    """Fuzz one service; the status is 0 when nothing was found."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    with service(f"{name}_service", server, {"MAX_BODY_BYTES": str(16 * 1024 * 1024)}) as url:
        command = [program, f"--config-file={CONFIGURATION}", "run", f"{url}/openapi.json"]
        environment = {**os.environ, "VERITAS_FUZZ_KEY": server.key}
        return subprocess.run(
            command,
            check=False,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def main() -> None:
    """Fuzz the named services, by default all; status 1 when something was found."""
    names = sys.argv[1:] or SERVICES
    # At the same time: each run waits for its own service for half of it.
    with migrated_server(THROW_AWAY) as server, ThreadPoolExecutor(len(names)) as runs:
        is_clean = True
        for finished in runs.map(lambda name: fuzz(name, server), names):
            sys.stdout.write(finished.stdout)
            sys.stdout.flush()
            is_clean &= finished.returncode == 0
    sys.exit(0 if is_clean else 1)


if __name__ == "__main__":
    main()

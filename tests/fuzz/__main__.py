"""Fuzz each service as a real process on PostgreSQL: `python -m tests.fuzz [SERVICE ...]`."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Server, migrated_server, service
from veritas_cli.local_postgres import THROW_AWAY

SERVICES = ("monitoring", "staffstuddash", "dropout")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


def fuzz(name: str, server: Server) -> bool:
    """Fuzz one service; tell whether nothing was found."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    with service(f"{name}_service", server, {"MAX_BODY_BYTES": str(16 * 1024 * 1024)}) as url:
        command = [program, f"--config-file={CONFIGURATION}", "run", f"{url}/openapi.json"]
        environment = {**os.environ, "VERITAS_FUZZ_KEY": server.key}
        return subprocess.run(command, check=False, env=environment).returncode == 0


def main() -> None:
    """Fuzz the named services, by default all; status 1 when something was found."""
    with migrated_server(THROW_AWAY) as server:
        is_clean = [fuzz(name, server) for name in sys.argv[1:] or SERVICES]
    sys.exit(0 if all(is_clean) else 1)


if __name__ == "__main__":
    main()

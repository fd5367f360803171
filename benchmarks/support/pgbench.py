"""pgbench with one statement on the same server, as a limit."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from benchmarks.support.load import percentiles
from veritas_cli.dump.client_tools import fitting_program

_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


def measure(
    statement: str, url: str, *, clients: int, seconds: float, most: int, reconnect: bool
) -> dict[str, float]:
    """Repeat the statement; `:n` in it is a random number from 1 to `most`.

    reconnect: make a connection for each transaction, like NullPool. Then there are no latencies,
    since those of pgbench do not include connecting.
    """
    place = make_url(url)
    with tempfile.TemporaryDirectory(prefix="veritas-pgbench-") as folder:
        script = Path(folder, "script")
        script.write_text(f"\\set n random(1, {most})\n{' '.join(statement.split())};\n")
        program = fitting_program("pgbench", 15).path("pgbench")
        command = [str(program), "--no-vacuum", f"--file={script}"]
        command += [f"--client={clients}", f"--jobs={min(clients, os.cpu_count() or 1)}"]
        command += [f"--time={max(1, round(seconds))}", "--log", f"--log-prefix={folder}/log"]
        command += [f"--host={place.host}", f"--port={place.port}", f"--username={place.username}"]
        command += ["--connect"] if reconnect else []
        answer = subprocess.run(
            [*command, str(place.database)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PGPASSWORD": str(place.password)},
        )
        rate = _RATE.search(answer.stdout)
        if rate is None:
            raise RuntimeError(f"pgbench gave no rate: {answer.stdout}")
        latencies = {} if reconnect else percentiles(_logged(Path(folder)))
    return {"per_second": float(rate[1]), **latencies}


def _logged(folder: Path) -> list[float]:
    # client, transaction, microseconds, script, time, microseconds of the time
    lines = (line for log in folder.glob("log.*") for line in log.read_text().splitlines())
    return sorted(int(line.split()[2]) / 1e6 for line in lines)

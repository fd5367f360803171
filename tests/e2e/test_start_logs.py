"""Log lines of a starting worker, in the format of LOG_FORMAT."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT, without_settings

WORKER = """
import asyncio

from staffstuddash_service.main import create_app

async def live() -> None:
    app = create_app()
    async with app.router.lifespan_context(app):
        pass

asyncio.run(live())
"""


@pytest.mark.parametrize(
    ("spool", "said"), [("damaged", "the spool was damaged"), ("unwritable", "no spool")]
)
def test_a_worker_logs_in_the_chosen_format_from_its_first_line(
    private_url: str, tmp_path: Path, spool: str, said: str
) -> None:
    folder = tmp_path / "spool"
    if spool == "damaged":
        folder.mkdir()
        (folder / "staffstuddash-spool.db").write_bytes(b"\xff" * 5000)
    else:
        folder.write_text("a file where the folder should be")
    answer = subprocess.run(
        [sys.executable, "-c", WORKER],
        cwd=tmp_path,
        env=without_settings(
            PYTHONPATH=str(ROOT),
            DATABASE_URL=private_url,
            ENVIRONMENT="development",
            FALLBACK="spool",
            SPOOL_PATH=str(folder),
            WORKERS="2",
            LOG_FORMAT="json",
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line)["event"] for line in answer.stdout.splitlines()]

    assert (answer.returncode, answer.stderr) == (0, "")
    assert [event for event in events if event.startswith(said)]

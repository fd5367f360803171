"""Answers of every route: byte-equal with our own request threads and with FastAPI's."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.all_answers import FASTAPI_THREADS, REQUEST_THREADS

ROOT = Path(__file__).parents[2]


def answers(threads: str) -> list[str]:
    command = [sys.executable, "-m", "tests.support.all_answers", threads]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith('{"request"')]


def test_answers_of_all_routes_are_those_of_fastapi() -> None:
    with ThreadPoolExecutor(2) as both:
        found, wanted = both.map(answers, [REQUEST_THREADS, FASTAPI_THREADS])

    assert found == wanted
    assert len(found) > 300
    assert any('"status": 201' in line for line in found)

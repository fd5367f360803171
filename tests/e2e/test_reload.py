"""RELOAD: a service in development restarts when its code changes."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import ROOT, all_gone, children_of, wait_until, without_settings
from veritas_cli.processes.ports import free_port

PACKAGES = ("shared_db", "shared_web", "monitoring_service")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the code that the test may change."""
    for package in PACKAGES:
        # Byte code is kept; Python writes it under another name first.
        leave_out = shutil.ignore_patterns("*.pyc.*")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=leave_out)
    return tmp_path


@pytest.fixture
def address(checkout: Path) -> Iterator[str]:
    """Yield the address of monitoring, which runs the copy."""
    port = free_port()
    service = subprocess.Popen(
        [sys.executable, "-m", "monitoring_service"],
        cwd=checkout,
        env=without_settings(
            PYTHONPATH=str(checkout),
            ENVIRONMENT="development",
            RELOAD="true",
            MONITORING_PORT=str(port),
        ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}"
    started = children_of(service.pid)
    service.send_signal(signal.SIGTERM)
    try:
        assert service.wait(timeout=60) in {0, -signal.SIGTERM}
        assert all_gone(started)
    finally:
        service.kill()
        service.wait()


def title(address: str) -> str | None:
    try:
        document = httpx.get(f"{address}/openapi.json", trust_env=False).json()
    except httpx.TransportError:
        return None
    return str(document["info"]["title"])


def test_changed_code_is_served_without_a_restart_by_hand(checkout: Path, address: str) -> None:
    assert wait_until(lambda: title(address) is not None)
    main = checkout / "monitoring_service/main.py"
    before = title(address)
    assert f'"{before}"' in main.read_text()

    main.write_text(main.read_text().replace(f'"{before}"', '"Changed meanwhile"'))

    assert wait_until(lambda: title(address) == "Changed meanwhile")

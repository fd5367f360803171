"""Metrics of a service with two workers, in real processes."""

from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.server import role_prefix
from tests.support.service_processes import Server, running

REQUESTS = 20
PACKAGE = "dropout_service"
COUNT = "http_server_request_duration_seconds_count"


def test_one_worker_answers_for_all(private_url: str, tmp_path: Path) -> None:
    settings = {
        "ENVIRONMENT": "development",
        "WORKERS": "2",
        "TMPDIR": str(tmp_path),
        "DATABASE_ROLE_PREFIX": role_prefix(),
        "ERASING_SECONDS": "0.5",
    }
    with running(PACKAGE, [PACKAGE], Server(private_url, ""), settings) as found:
        [folder] = tmp_path.glob("veritas-metrics-*")
        for _ in range(REQUESTS):  # each in a connection of its own, to either worker
            assert httpx.get(f"{found.url}/livez").is_success
        text = httpx.get(f"{found.url}/metrics").text
        workers = {file.stem.rpartition("_")[2] for file in folder.glob("histogram_*.db")}

    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    [count] = [
        each.value
        for each in samples
        if each.name == COUNT and each.labels["http_route"] == "/livez"
    ]
    works = {each.labels.get("work") for each in samples}
    assert count == REQUESTS
    assert len(workers) == 2
    assert {"merging", "erasing"} <= works
    assert not any("pid" in each.labels for each in samples)
    assert list(tmp_path.glob("veritas-metrics-*")) == []

"""Dashboard of Grafana and rules of Prometheus: current, valid, on metrics that are there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.models import LearnedModel
from shared_db.background_work.state import BackgroundWork
from shared_db.clock import utc_now
from shared_db.spool.access import SpoolAccess
from shared_db.spool.file import SpoolLimits
from shared_db.spool.queue import Spool
from shared_web.operations.metrics.process import ProcessState
from shared_web.operations.metrics.spool import spool_metrics
from tests.support.source_files import ROOT
from veritas_cli.dashboard.layout import PLACE, dashboard_text

PROMETHEUS = ROOT / "deploy" / "prometheus"
NAME = re.compile(r"\b(?:veritas|http_server|process)_[a-z_]+")


def expressions() -> Iterator[str]:
    panels = json.loads(dashboard_text())["panels"]
    yield from (target["expr"] for panel in panels for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in rules())


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_the_dashboard_is_current() -> None:
    assert (ROOT / PLACE).read_text() == dashboard_text(), "run `make dashboard`"


def test_panels_and_rules_use_metrics_that_are_there(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager, tmp_path: Path
) -> None:
    spool = SpoolAccess()
    spool.attach(Spool.of_service(tmp_path, "dropout", SpoolLimits()))
    background, registry = BackgroundWork(), CollectorRegistry()
    background.add("erasing", 20).run(lambda: None, lambda: 20)
    ProcessState(registry, db_manager.database, background, None, ()).read()
    with db_manager.database.unit_of_work() as session:
        session.add(a_model())
    db_manager.predictions.add("p1", "ada", "ENGAGEMENT", 0.2, course="art")
    dropout_client.get("/livez")

    text = dropout_client.get("/metrics").text
    families = [*text_string_to_metric_families(text), *registry.collect(), *spool_metrics(spool)]
    there = {name for each in families for name in (each.name, *(s.name for s in each.samples))}
    used = {name for expression in expressions() for name in NAME.findall(expression)}

    assert used - there == set()


def a_model() -> LearnedModel:
    return LearnedModel(
        id="model-1",
        digest=b"1",
        target=Target.WITHDRAWN,
        variants={},
        training={},
        metrics={},
        created_at=utc_now(),
        activated_at=utc_now(),
        is_active=True,
    )


def test_every_rule_says_what_to_do() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "description"}
        assert "for" in rule


@pytest.mark.skipif(shutil.which("promtool") is None, reason="`make promtool` installs it")
def test_the_configuration_is_valid(tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "prometheus.key").write_text("key")

    for command in (["rules", "alerts.yml"], ["config", "prometheus.yml"]):
        checked = subprocess.run(
            ["promtool", "check", *command],  # noqa: S607 - the system's own
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr

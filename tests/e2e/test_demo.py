"""`veritas demo` against the three services on ports."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from tests.e2e.processes import ROOT, VERITAS, without_settings
from tests.support.databases import engine_on
from tests.support.live_services import live_services
from tests.support.oulad_fixtures.small_course import FILES, write_oulad, zip_of
from veritas_cli.http_client import ClientSettings
from veritas_cli.main import app
from veritas_cli.processes.ports import free_port

COURSE = ("--course", "AAA/2013J", "--day", "20")


@pytest.fixture(autouse=True)
def no_client_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the developer's settings, and widen the tables."""
    monkeypatch.setitem(ClientSettings.model_config, "env_file", None)
    for name in ClientSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str, **variables: str) -> Result:
    """Run the demo."""
    return CliRunner().invoke(app, ["demo", *arguments], env=variables)


@pytest.fixture
def urls(private_url: str) -> Iterator[dict[str, str]]:
    """Yield the URLs of the services on the test's own database, by option."""
    with live_services(lambda _metadata: Database.for_bind(engine_on(private_url))) as urls:
        yield urls


@pytest.fixture
def options(urls: dict[str, str]) -> list[str]:
    """Return the options with these URLs."""
    return flattened(urls)


@pytest.fixture
def oulad(tmp_path: Path) -> str:
    """Return a small OULAD as a zip."""
    return str(zip_of(write_oulad(tmp_path / "oulad")))


def flattened(urls: dict[str, str]) -> list[str]:
    return [part for option in urls.items() for part in option]


def read(urls: dict[str, str], service: str, path: str) -> list[dict[str, Any]]:
    """Return a whole list of a service."""
    answer = httpx.get(f"{urls[f'--{service}-url']}/api/v1/{path}", params={"limit": 1000})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def everything(urls: dict[str, str]) -> list[list[dict[str, Any]]]:
    """Return the rows of the services."""
    students = read(urls, "staffstuddash", "students")
    return [
        students,
        read(urls, "staffstuddash", "dashboard/teacher"),
        read(urls, "dropout", "predictions"),
        read(urls, "monitoring", "monitoring/logs"),
        *(read(urls, "staffstuddash", f"students/{s['id']}/assessments") for s in students),
    ]


def test_a_course_goes_through_all_three_services(
    urls: dict[str, str], options: list[str], oulad: str
) -> None:
    result = run("--oulad", oulad, *COURSE, *options)

    assert result.stderr == ""
    assert result.exit_code == 0
    predictions = {p["student_id"]: p for p in read(urls, "dropout", "predictions")}
    assert predictions.keys() == {"oulad-101", "oulad-103", "oulad-106"}
    assert {p["as_of"] for p in predictions.values()} == {"2013-10-21T23:59:59Z"}
    assert len(read(urls, "staffstuddash", "students")) == 6
    events = read(urls, "dropout", "students/oulad-101/events")
    assert events[-1]["data"]["clicks_by_activity"] == {"forumng": 6, "oucontent": 7}
    assert {e["course"] for e in events} == {"AAA-2013J"}
    assert_tables_show_risks_reasons_and_outcomes(result.stdout)
    assert_monitoring_received_an_event_for_each_step(urls)


def assert_tables_show_risks_reasons_and_outcomes(shown: str) -> None:
    assert "3 stored, 0 already there, 1 not assessable" in shown
    [student_103] = [line for line in shown.splitlines() if line.startswith("Student 103")]
    assert "No activity for 18 days." in student_103
    assert "Withdrawn on day 60" in student_103
    assert "2 of these 3 withdrew or failed afterwards; of all 3 assessed, 2 did (67%)." in shown
    assert "students who had left by the end of day 20 (1)" in shown
    dashboard, highest = shown.split("highest risks as of")
    assert dashboard.index("oulad-103") < dashboard.index("oulad-101")
    assert highest.index("Student 103") < highest.index("Student 106")


def assert_monitoring_received_an_event_for_each_step(urls: dict[str, str]) -> None:
    logs = read(urls, "monitoring", "monitoring/logs?source=veritas-demo")

    assert [log["message"].split(":")[0] for log in reversed(logs)] == [
        "students",
        "assessments",
        "events",
        "predictions",
    ]
    assert all(log["data"]["response_time"] > 0 for log in logs)
    assert [log["data"]["stored"] for log in reversed(logs)] == [6, 3, 8, 3]


def test_later_runs_change_nothing_and_refuse_other_data(
    urls: dict[str, str], options: list[str], oulad: str, tmp_path: Path
) -> None:
    run("--oulad", oulad, *COURSE, *options)
    before = everything(urls)
    second = run("--oulad", oulad, *COURSE, *options)

    assert second.exit_code == 0
    assert everything(urls) == before
    assert "0 stored, 6 already there" in second.stdout
    assert "0 stored, 8 already there" in second.stdout
    assert "none, as nothing was new" in second.stdout

    earlier = run("--oulad", oulad, "--course", "AAA/2013J", "--day", "17", *options).stdout

    assert "dropout has later predictions of some of these students" in earlier
    [student_103] = [line for line in earlier.splitlines() if line.startswith("Student 103")]
    assert "No activity for 15 days." in student_103

    marks = FILES["studentAssessment.csv"].replace("9,0,78", "9,0,79")
    clicks = FILES["studentVle.csv"].replace("72,-10,7", "72,-10,8")
    mark = write_oulad(tmp_path / "mark", studentAssessment=marks)
    click = write_oulad(tmp_path / "click", studentVle=clicks)

    other_mark = run("--oulad", str(mark), *COURSE, *options)
    other_click = run("--oulad", str(click), *COURSE, *options)

    assert (other_mark.exit_code, other_click.exit_code) == (1, 1)
    assert "oulad-1-101: id is stored with other content" in other_mark.stderr
    assert "oulad-AAA-2013J-101-day--10: id is stored with other" in other_click.stderr


def test_in_memory_the_demo_works_with_a_note(oulad: str) -> None:
    with live_services(Database.in_memory) as urls:
        result = run("--oulad", oulad, *COURSE, *flattened(urls))

    assert result.exit_code == 0
    assert "Without PostgreSQL the dashboard has no risk" in result.stdout
    assert "not available without PostgreSQL" in result.stdout
    assert "The 3 highest risks" in result.stdout


def test_wrong_input_is_one_line_and_nothing_is_sent(
    urls: dict[str, str], options: list[str], tmp_path: Path
) -> None:
    broken = FILES["studentVle.csv"].replace("104,71,33,5", "104,71,33,many")
    folder = write_oulad(tmp_path / "oulad", studentVle=broken)
    results = [
        run("--oulad", str(folder), *COURSE, *options),
        run("--oulad", str(folder), "--course", "ZZZ/2013J", *options),
        run("--oulad", str(tmp_path / "none.zip"), *COURSE, *options),
        run("--course", "AAA/2013J", *options),
    ]

    assert [result.exit_code for result in results] == [1, 1, 1, 1]
    assert [result.stderr.count("\n") for result in results] == [1, 1, 1, 1]
    assert "studentVle.csv, line 12: sum_click is 'many'" in results[0].stderr
    assert read(urls, "staffstuddash", "students") == []


def test_without_services_the_error_has_the_remedy() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    result = run(MONITORING_URL=url)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"veritas demo: No service at {url} (monitoring): start with `make up`.\n"
    )


def test_services_with_keys_need_the_key(private_url: str, oulad: str) -> None:
    database = Database.for_bind(engine_on(private_url))
    key = KeyManager(database).add_key("demo", [Scope.READ, Scope.WRITE, Scope.INGEST])
    with live_services(lambda _metadata: Database.for_bind(engine_on(private_url))) as urls:
        without = run("--oulad", oulad, *COURSE, *flattened(urls))
        with_key = run("--oulad", oulad, *COURSE, *flattened(urls), VERITAS_KEY=key)

    assert without.exit_code == 1
    assert "Give a key with --key or VERITAS_KEY" in without.stderr
    assert (with_key.exit_code, with_key.stderr) == (0, "")
    assert key not in without.stdout + without.stderr + with_key.stdout


def test_ctrl_c_stops_the_demo_with_one_line(options: list[str]) -> None:
    with subprocess.Popen(
        [*VERITAS, "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=without_settings(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1"),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "made-up school" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()

    assert process.returncode == 130
    assert said == (
        "veritas demo: Stopped. What was sent is stored; the same command goes on from there.\n"
    )

"""Past courses in one database, past classes in another, and the commands that train on them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from tests.e2e.processes import without_settings
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run, bring_in
from tests.support.oulad_fixtures.past_courses import write_past
from tests.support.past_terms import FIRST, SECOND, STUDENTS, PastSchool, fill_class
from tests.support.server import admin_url, create_database, drop_database, new_name, role_prefix
from tests.support.suite_server import made_once
from veritas_cli.main import app

DAY_56_OF_CCC = ("--course", "CCC-2014B", "--day", "56")
TRAIN = ("train", "--train", "2013B,2013J")
TRAIN_FEWER = ("train", "--train", "2013B", "--target", "withdrawn_or_fail")


@pytest.fixture(scope="session")
def past_template(template_name: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of the run's database with the courses, a template without connections."""
    with made_once("past") as (place, is_new):
        if is_new:
            name = new_name()
            url = create_database(admin_url(), name, template=template_name)
            bring_in(url, write_past(tmp_path_factory.mktemp("past") / "oulad"), batch_rows=2000)
            place.write_text(name)
        return place.read_text()


@pytest.fixture(scope="module")
def past_url(past_template: str) -> Iterator[str]:
    """Give a database with the courses; tests of a module work on it one after another."""
    name = new_name()
    yield create_database(admin_url(), name, template=past_template)
    drop_database(admin_url(), name)


@pytest.fixture(scope="session")
def term_template(template_name: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a database with a model of three classes of the autumn; others run now."""
    with made_once("terms") as (place, is_new):
        if is_new:
            name = new_name()
            url = create_database(admin_url(), name, template=template_name)
            engine = engine_on(url)
            school = PastSchool(Database.for_bind(engine))
            school.add_students(*STUDENTS, "new")
            for term in ("autumn", "spring", "now"):
                for number, some in enumerate((FIRST, SECOND)):
                    fill_class(school, f"{term}-{number}", term, some)
            fill_class(school, "autumn-2", "autumn", FIRST)
            result = once(url, tmp_path_factory.mktemp("terms"), "train", "--train", "autumn")
            assert result.exit_code == 0, result.output
            engine.dispose()
            place.write_text(name)
        return place.read_text()


@pytest.fixture
def term_url(term_template: str) -> Iterator[str]:
    """Give a copy of the database with classes."""
    name = new_name()
    yield create_database(admin_url(), name, template=term_template)
    drop_database(admin_url(), name)


@pytest.fixture
def school(term_url: str) -> PastSchool:
    """Give the school of that copy, with the classes autumn-0 to -2, and -0 and -1 of others."""
    return PastSchool(Database.for_bind(engine_on(term_url)))


@pytest.fixture
def run_on_past(monkeypatch: pytest.MonkeyPatch, past_url: str, tmp_path: Path) -> Run:
    """Run a command on that database, in a folder of its own."""
    monkeypatch.setenv("DATABASE_URL", past_url)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def once(url: str, folder: Path, *arguments: str) -> Result:
    """Run a command on the database for a fixture of many tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = {"DATABASE_URL": url, "DATABASE_ROLE_PREFIX": role_prefix(), "COLUMNS": "300"}
        for name, value in settings.items():
            patch.setenv(name, value)
        return CliRunner().invoke(app, arguments)


@pytest.fixture(scope="module")
def by_rules(past_url: str, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Predict without a model."""
    folder = tmp_path_factory.mktemp("rules")
    return once(past_url, folder, "predict", "--course", "CCC-2014B", "--day", "30")


@pytest.fixture(scope="module")
def trained(
    past_url: str, by_rules: Result, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """Train two models at once; give the output of each."""
    assert by_rules.exit_code == 0, by_rules.output
    # With other kernels of the linear algebra the last digits of a model differ.
    kernels = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
    settings = without_settings(
        **{**kernels, "OPENBLAS_NUM_THREADS": "1"},
        DATABASE_URL=past_url,
        DATABASE_ROLE_PREFIX=role_prefix(),
    )
    veritas = str(Path(sys.executable).with_name("veritas"))
    one, other = (
        subprocess.Popen(
            [veritas, *arguments],
            cwd=tmp_path_factory.mktemp("train"),
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for arguments in (TRAIN, TRAIN_FEWER)
    )
    outputs = one.communicate(timeout=240)[0], other.communicate(timeout=240)[0]
    assert (one.returncode, other.returncode) == (0, 0), outputs
    return outputs


@pytest.fixture(scope="module")
def trained_again(
    past_url: str, trained: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[set[str], Result]:
    """Train one of them again; give the ids of the models before, and the result."""
    assert trained
    models = DropoutDatabaseManager(Database.for_bind(engine_on(past_url))).models.search()
    before = [(model.id, model.is_active) for model in models]
    assert [is_active for _, is_active in before].count(True) == 1
    again = once(past_url, tmp_path_factory.mktemp("again"), *TRAIN_FEWER)
    assert again.exit_code == 0, again.output
    return {id_ for id_, _ in before}, again


@pytest.fixture(scope="module")
def by_model(
    past_url: str,
    trained_again: tuple[set[str], Result],
    tmp_path_factory: pytest.TempPathFactory,
) -> Result:
    """Predict a course by the model that was trained last."""
    assert trained_again
    folder = tmp_path_factory.mktemp("predict")
    return once(past_url, folder, "predict", *DAY_56_OF_CCC, "--show", "3")

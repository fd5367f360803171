"""Rules of the code that no other tool checks."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from shared_db.settings import VeritasSettings
from tests.support.services import PARTS, routes_of
from tests.support.source_files import PACKAGES, ROOT, python_files
from veritas_cli.http_client import ClientSettings
from veritas_cli.settings import LocalPostgresSettings, SuperuserSettings
from veritas_web.settings import Settings as WebSettings

SETTINGS: tuple[type[VeritasSettings], ...] = (
    *(parts.settings for parts in PARTS.values()),
    LocalPostgresSettings,
    SuperuserSettings,
    ClientSettings,
    WebSettings,
)


def calls(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node.lineno


def places_that_call(name: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in python_files(*PACKAGES)
        for attribute, _ in calls(path)
        if attribute == name
    }


def test_only_the_unit_of_work_commits() -> None:
    assert places_that_call("commit") == {
        "shared_db/connection/database.py",
        "shared_db/connection/deferred_opening.py",  # psycopg2's own
    }


def test_only_repositories_open_transactions() -> None:
    """Services have no other way to SQL than the methods of `Repository`."""
    places = {
        "shared_db/background_work/table.py",
        "shared_db/connection/database.py",
        "shared_db/provisioning/migrations.py",
        "shared_db/ingest_repository.py",
        "shared_db/repository.py",
        "shared_web/auth/keys.py",
        "shared_web/auth/persons.py",
        "shared_web/operations/health.py",
        "veritas_cli/commands/check.py",
    }
    names = ("unit_of_work", "unit_of_work_of_each", "reading", "reading_filtered", "snapshot")

    assert set[str]().union(*map(places_that_call, names)) <= places


def test_a_route_calls_one_manager_method() -> None:
    managers = {"datastore", "manager", "monitoring"}
    for path in python_files(*PACKAGES):
        if path.parent.name != "routes":
            continue
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            methods = [
                node.attr
                for node in ast.walk(function)
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in managers
            ]
            assert len(methods) <= 1, f"{path.name}: {function.name} calls {methods}"


def test_every_setting_is_in_the_example_with_a_comment() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    explained = {
        match[1]
        for before, line in pairwise(lines)
        if (match := re.match(r"#?\s?([A-Z][A-Z_]+)=", line)) and before.startswith("#")
    }
    names = {name.upper() for settings in SETTINGS for name in settings.model_fields}

    assert names - explained == set()


@pytest.mark.parametrize("service", PARTS)
def test_every_route_is_in_the_documentation(service: str) -> None:
    documented = (ROOT / "docs" / "api.md").read_text()
    routes = [f"{method} {path}" for method, path in routes_of(service)]

    assert routes
    assert [route for route in routes if f"`{route}`" not in documented] == []


def test_the_documentation_names_no_route_that_is_not_there() -> None:
    documented = re.findall(
        r"`((?:GET|POST|PATCH|PUT|DELETE) /\S+)`", (ROOT / "docs/api.md").read_text()
    )
    routes = {f"{method} {path}" for service in PARTS for method, path in routes_of(service)}

    assert set(documented) <= routes


def test_the_readme_speaks_of_commands_that_are_there() -> None:
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = (ROOT / "veritas_cli" / "main.py").read_text()
    used_targets = set(re.findall(r"^\s*make ([a-z-]+)", readme, re.MULTILINE))
    used_commands = set(re.findall(r"^\s*(?:\.venv/bin/)?veritas ([a-z-]+)", readme, re.MULTILINE))

    assert {"up", "test"} <= used_targets <= targets
    assert used_commands
    assert [name for name in used_commands if f'"{name}"' not in commands] == []


def test_no_statement_changes_the_state_of_a_session() -> None:
    """A pooler in transaction mode gives the session to other transactions."""
    stateful = re.compile(
        r'"SET (?!LOCAL|TRANSACTION)|SET SESSION|CREATE TEMP|\bLISTEN |pg_(try_)?advisory_lock'
    )
    files = python_files(*(package for package in PACKAGES if package != "veritas_cli"))
    found = {path.name for path in files if stateful.search(path.read_text())}

    assert found == set()


def test_nothing_private_of_a_library_is_imported() -> None:
    private = re.compile(r"^(?:from|import) (\w+(?:\.\w+)*\._\w+|_[a-z]\w*)", re.MULTILINE)
    found = {path.name: private.findall(path.read_text()) for path in python_files(*PACKAGES)}

    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "docs", "benchmarks"])
def test_links_in_documents_lead_somewhere(folder: str) -> None:
    documents = [*(ROOT / folder).rglob("*.md"), *ROOT.glob("*.md")]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        if "node_modules" not in document.parts
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
        if "://" not in target and not (document.parent / target).exists()
    ]

    assert broken == []

"""OpenAPI documents in the repository: current, and without unstated breaking changes."""

import json
import tomllib

import pytest

from tests.support.openapi.breaking import breaking_changes, stated_in
from tests.support.openapi.documents import canonical, file_of, released
from tests.support.services import PARTS, openapi_of
from tests.support.source_files import ROOT

RENEW = "The document of {} has changed: run `make openapi` and commit `openapi/`."


@pytest.mark.parametrize("service", PARTS)
def test_the_document_is_that_of_the_service(service: str) -> None:
    is_current = file_of(service).read_text() == canonical(openapi_of(service))

    assert is_current, RENEW.format(service)


@pytest.mark.parametrize("service", PARTS)
def test_the_changelog_states_each_breaking_change(service: str) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    changes = breaking_changes(released(service), openapi_of(service))
    unstated = [str(change) for change in changes if not stated_in(change, changelog)]

    assert unstated == [], (
        "These changes break clients of the last release. Undo them, or name the path or the place "
        "(`StudentOut.email`) in backquotes under Changed or Removed of CHANGELOG.md."
    )


def test_the_client_has_the_version_of_the_services() -> None:
    package = json.loads((ROOT / "clients/typescript/package.json").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert package["version"] == project["version"]

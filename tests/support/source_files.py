"""Files of the repository, for tests that check them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "shared_db",
    "shared_web",
    "monitoring_service",
    "staffstuddash_service",
    "dropout_service",
    "veritas_cli",
    "veritas_web",
)


def python_files(*folders: str) -> list[Path]:
    """Return the Python files of packages or other folders."""
    found = (file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return sorted(file for file in found if "node_modules" not in file.parts)

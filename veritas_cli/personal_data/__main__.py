"""Command of `make privacy`: renew the register in docs/privacy.md."""

from pathlib import Path

from veritas_cli.personal_data.register import with_register

if __name__ == "__main__":
    document = Path("docs", "privacy.md")
    document.write_text(with_register(document.read_text(encoding="utf-8")), encoding="utf-8")

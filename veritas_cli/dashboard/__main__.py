"""Command of `make dashboard`: renew the dashboard of Grafana in deploy/grafana."""

from pathlib import Path

from veritas_cli.dashboard.layout import PLACE, dashboard_text

if __name__ == "__main__":
    Path(PLACE).write_text(dashboard_text(), encoding="utf-8")

"""Document of the dashboard: places of the panels, and choices of the reader."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from veritas_cli.dashboard.panels import ROWS, Panel

PLACE = "deploy/grafana/veritas.json"
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 3
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION = 39


def dashboard_text() -> str:
    """Return the dashboard as Grafana imports it."""
    return json.dumps(_dashboard(), indent=2, ensure_ascii=False) + "\n"


def _dashboard() -> dict[str, Any]:
    return {
        "uid": "veritas",
        "title": "Veritas",
        "tags": ["veritas"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_data_source(), _instance()]},
        "panels": list(_panels()),
    }


def _data_source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
    }


def _instance() -> dict[str, Any]:
    query = "label_values(target_info, instance)"
    return {
        "name": "instance",
        "label": "Service",
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "instance"},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[dict[str, Any]]:
    ids, top = count(1), 0
    for title, panels in ROWS.items():
        place = {"x": 0, "y": top, "w": _WIDTH * _COLUMNS, "h": 1}
        yield {"id": next(ids), "type": "row", "title": title, "gridPos": place, "panels": []}
        top += 1
        for index, panel in enumerate(panels):
            row, column = divmod(index, _COLUMNS)
            place = {
                "x": column * _WIDTH,
                "y": top + row * _HEIGHT,
                "w": _WIDTH,
                "h": _HEIGHT,
            }
            yield _graph(next(ids), panel, place)
        top += -(-len(panels) // _COLUMNS) * _HEIGHT


def _graph(id_: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": id_,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for index, (legend, expression) in enumerate(panel.queries.items())
        ],
    }

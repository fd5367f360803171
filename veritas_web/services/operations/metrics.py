"""Durations of requests in a text of Prometheus' format."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from veritas_web.domain.system.route_times import StatusTimes

_BUCKET = "http_server_request_duration_seconds_bucket"


def parsed(text: str) -> Iterator[StatusTimes]:
    """Yield the durations of requests in a text of Prometheus' format.

    Raises:
        ValueError, KeyError: the text has another format.

    """
    found: dict[tuple[str, str, str], dict[float, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _BUCKET:
                labels = sample.labels
                key = (
                    labels["http_request_method"],
                    labels["http_route"],
                    labels["http_response_status_code"],
                )
                found.setdefault(key, {})[float(labels["le"])] = sample.value
    for (method, route, status), buckets in found.items():
        yield StatusTimes(method, route, int(status), buckets)

"""Events of the data points of metrics."""

from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import DataPointFlags, Metric

from monitoring_service.otlp.records import Events, Fields, origins
from monitoring_service.otlp.values import attributes_of, instant, label, number, without_nothing

_NO_VALUE = DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


def count(request: ExportMetricsServiceRequest) -> int:
    """Return the number of data points."""
    return sum(
        len(_points(metric))
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def events_of(request: ExportMetricsServiceRequest) -> list[Fields]:
    """Return an event for each data point; the component is the name of the metric.

    Its data has the value under that name, so a limit can be set for it.
    """
    events = Events()
    return [
        events.event(origin, _named(metric, point), _fields(metric, point))
        for origin, scope in origins(request.resource_metrics, "scope_metrics")
        for metric in scope.metrics
        for point in _points(metric)
    ]


def _points(metric: Metric) -> Any:
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def _named(metric: Metric, point: Any) -> Metric:
    """Return the metric with this point alone, of which the id is made."""
    kind = metric.WhichOneof("data") or "gauge"
    alone = Metric(name=metric.name, unit=metric.unit)
    getattr(alone, kind).data_points.append(point)
    return alone


def _fields(metric: Metric, point: Any) -> Fields:
    kind = metric.WhichOneof("data") or "gauge"
    own = without_nothing({"kind": kind, "unit": label(metric.unit)})
    values = {} if point.flags & _NO_VALUE else dict(_values(metric.name, point))
    return {
        "component": label(metric.name),
        "event_type": "metric",
        "data": {**attributes_of(point.attributes), **own, **values},
        "timestamp": instant(point.time_unix_nano, point.start_time_unix_nano),
    }


def _values(name: str, point: Any) -> Iterator[tuple[str, Any]]:
    fields = point.DESCRIPTOR.fields_by_name
    if "as_double" in fields:  # a gauge or a sum
        kind = point.WhichOneof("value")
        if kind:
            yield label(name) or "value", number(getattr(point, kind))
        return
    for field in ("count", "sum", "min", "max", "zero_count", "scale"):
        if field in fields and (not fields[field].has_presence or point.HasField(field)):
            yield field, number(getattr(point, field))
    for field in ("explicit_bounds", "bucket_counts"):
        if field in fields:
            yield field, [number(each) for each in getattr(point, field)]
    if "quantile_values" in fields:
        yield "quantiles", {f"{q.quantile:g}": number(q.value) for q in point.quantile_values}

"""Times of routes: numbers of requests, shares of errors, and estimated percentiles."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf

LEAST_REQUESTS = 20
MOST_ROUTES = 15
SHARE = 0.95
_FIRST_ERROR = 500

# Requests of at most so many seconds, by the upper limits; the last limit is infinite.
Buckets = Mapping[float, float]


@dataclass(frozen=True)
class StatusTimes:
    """Durations of the requests of one route that were answered with one status."""

    method: str
    route: str
    status: int
    buckets: Buckets


@dataclass(frozen=True)
class RouteTimes:
    """Requests of a route since the process began.

    error_share: answers of 500 and above, 0 to 1. seconds: the 95th percentile as it is estimated;
    is_more: it is beyond the largest limit, which `seconds` is then.
    """

    service: str
    method: str
    route: str
    requests: int
    error_share: float
    seconds: float
    is_more: bool


def slowest(service: str, times: Iterable[StatusTimes]) -> list[RouteTimes]:
    """Return the routes of a service with at least `LEAST_REQUESTS`, the slowest first."""
    by_route: dict[tuple[str, str], list[StatusTimes]] = {}
    for one in times:
        by_route.setdefault((one.method, one.route), []).append(one)
    found = [_of_route(service, each) for each in by_route.values()]
    rows = [one for one in found if one is not None]
    return sorted(rows, key=lambda one: (-one.is_more, -one.seconds, one.route, one.method))


def percentile(buckets: Buckets, share: float = SHARE) -> tuple[float, bool] | None:
    """Return the seconds below which a share of the requests stays, and True if it is more.

    Within a bucket the durations are taken as evenly spread, as Prometheus does. Beyond the last
    finite limit only that limit is known. None: there are no requests.
    """
    limits = sorted(buckets)
    total = buckets[limits[-1]] if limits else 0.0
    if not total:
        return None
    wanted = share * total
    lower, before = 0.0, 0.0
    for limit in limits:
        count = buckets[limit]
        if count >= wanted:
            if isinf(limit):
                return lower, True
            return lower + (limit - lower) * (wanted - before) / (count - before), False
        lower, before = limit, count
    return lower, True


def _of_route(service: str, times: Sequence[StatusTimes]) -> RouteTimes | None:
    buckets: dict[float, float] = {}
    for one in times:
        for limit, count in one.buckets.items():
            buckets[limit] = buckets.get(limit, 0.0) + count
    requests = buckets.get(inf, 0.0)
    found = percentile(buckets)
    if requests < LEAST_REQUESTS or found is None:
        return None
    errors = sum(one.buckets.get(inf, 0.0) for one in times if one.status >= _FIRST_ERROR)
    seconds, is_more = found
    return RouteTimes(
        service=service,
        method=times[0].method,
        route=times[0].route,
        requests=int(requests),
        error_share=errors / requests,
        seconds=seconds,
        is_more=is_more,
    )

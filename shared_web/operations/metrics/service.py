"""All metrics of a service, and their text."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from shared_web.operations.metrics.folder import is_running, shared_folder
from shared_web.operations.metrics.process import Count, ProcessState
from shared_web.operations.metrics.requests import RequestMetrics
from shared_web.threads import ReservedThreads

# Other workers are asked for their state so often; a scrape is seldom more frequent.
_SHARING_SECONDS = 5

Measure = Callable[[], Iterable[Metric]]


@dataclass(frozen=True)
class OwnMetrics:
    """Metrics of one service alone.

    counts: of this process. measures: of the whole service, the same in every process; they must
    cost little at each scrape.
    """

    counts: Sequence[Count] = ()
    measures: Sequence[Measure] = ()


class ServiceMetrics:
    """Metrics of one service.

    Those of a process are in `registry`; with several workers their sums are in a folder of files.
    """

    def __init__(self, service: str, version: str) -> None:
        self.registry = CollectorRegistry()
        self.requests = RequestMetrics(self.registry)
        self._state: ProcessState | None = None
        self._reading = threading.Lock()
        self.measures: list[Measure] = [lambda: [_target(service, version)]]
        self._threads = ReservedThreads(1)
        self._folder = shared_folder()
        if self._folder is None:
            ProcessCollector(registry=self.registry)

    def use(self, state: ProcessState) -> None:
        """Read this state before each answer."""
        self._state = state

    async def answer(self, request: Request) -> Response:
        """Return the metrics in the format that the request accepts.

        A thread of their own reads them, so they come even if all others are busy.
        """
        accept = request.headers.get("accept", "")
        text, media_type = await self._threads.run(lambda: self._text(accept))
        return Response(text, headers={"Content-Type": media_type})

    def _text(self, accept: str) -> tuple[bytes, str]:
        encode, media_type = choose_encoder(accept)
        self._read()
        measured = chain.from_iterable(measure() for measure in self.measures)
        return encode(_Collected(chain(self._of_processes(), measured))), media_type

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Share the state of this worker with the others during the context."""
        sharing = asyncio.create_task(self._share()) if self._folder is not None else None
        try:
            yield
        finally:
            if sharing is not None:
                sharing.cancel()
                await asyncio.gather(sharing, return_exceptions=True)

    async def _share(self) -> None:
        while True:
            await asyncio.to_thread(self._read)
            await asyncio.sleep(_SHARING_SECONDS)

    def _read(self) -> None:
        with self._reading:
            if self._state is not None:
                self._state.read()

    def _of_processes(self) -> Iterable[Metric]:
        if self._folder is None:
            return self.registry.collect()
        # A worker that was killed has left its queue and its active requests.
        for file in self._folder.glob("gauge_live*.db"):
            pid = file.stem.rpartition("_")[2]
            if not is_running(int(pid)):
                mark_process_dead(int(pid), str(self._folder))
        collected: Iterable[Metric] = MultiProcessCollector(None, str(self._folder)).collect()
        return collected


@dataclass
class _Collected:
    """Metrics in the form that the library encodes."""

    metrics: Iterable[Metric] = field(default_factory=list)

    def collect(self) -> Iterator[Metric]:
        yield from self.metrics


def _target(service: str, version: str) -> Metric:
    labels = {"service_name": f"veritas-{service}", "service_version": version}
    return InfoMetricFamily("target", "The service that is measured.", labels)

"""App of staffstuddash without the audit of reads, which only a benchmark serves."""

import uvicorn
from fastapi import FastAPI

from shared_web.operations.serve import server_options, tune_gc
from staffstuddash_service import main
from staffstuddash_service.settings import Settings


def create_app() -> FastAPI:
    """Return the app; its reads are not recorded."""
    app = main.create_app()
    app.state.read_audit = None
    return app


if __name__ == "__main__":
    settings = Settings.load()
    tune_gc()
    uvicorn.run(
        "benchmarks.support.unaudited:create_app",
        factory=True,
        port=settings.staffstuddash_port,
        **server_options(settings),
    )

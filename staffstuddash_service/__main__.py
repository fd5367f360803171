"""Run the service: `python -m staffstuddash_service`."""

from shared_web.operations.serve import serve
from staffstuddash_service.settings import Settings

if __name__ == "__main__":
    serve("staffstuddash_service", Settings.load, "staffstuddash_port")

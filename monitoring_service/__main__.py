"""Run the service: `python -m monitoring_service`."""

from monitoring_service.settings import Settings
from shared_web.operations.serve import serve

if __name__ == "__main__":
    serve("monitoring_service", Settings.load, "monitoring_port")

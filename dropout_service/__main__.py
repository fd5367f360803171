"""Entry point of `python -m dropout_service`."""

from dropout_service.settings import Settings
from shared_web.operations.serve import serve

if __name__ == "__main__":
    serve("dropout_service", Settings.load, "dropout_port")

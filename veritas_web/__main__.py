"""Entry point of `python -m veritas_web`."""

from shared_web.operations.serve import serve
from veritas_web.settings import Settings

if __name__ == "__main__":
    serve("veritas_web", Settings.load, "web_port")

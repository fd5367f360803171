"""Threads of our own beside those of the requests, on a machine that may let none be started."""

import threading
from collections.abc import Callable

from shared_db.errors import Overloaded

THREAD_LIMIT = "The machine lets no further thread be started. Try again."


def start_thread(name: str, work: Callable[[], None]) -> None:
    """Begin the work in a thread that ends with the process.

    Raises:
        Overloaded: no further thread can be started now.

    """
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError as refusal:
        raise Overloaded(THREAD_LIMIT) from refusal

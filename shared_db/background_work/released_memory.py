"""Release of memory to the system after work that needed much of it."""

import ctypes
import gc


def release_memory() -> None:
    """Return free memory of the process to the system, if the C library can.

    glibc keeps the freed memory of threads for later use, but after an outage there is none.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

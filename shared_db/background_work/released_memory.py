"""Memory given back to the system after work that took much of it."""

import ctypes
import gc


def release_memory() -> None:
    """Give back memory that the process holds free; where the C library cannot, do nothing.

    glibc keeps freed memory of threads for later use, which after an outage does not come.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

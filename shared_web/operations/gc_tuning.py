"""Python's collector of garbage that refers to itself: looked for less often, in less."""

import gc

# A batch makes tens of thousands of objects, and hardly any of that kind of garbage.
_OBJECTS_BEFORE_LOOKING = 20_000


def tune_gc() -> None:
    """Leave out what is there by now, which stays as long as the process, and look less often."""
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_LOOKING)

"""Description of an exception for logs, without personal data."""

import traceback
from pathlib import Path
from typing import Any

_FRAMES = 12


def describe_failure(failure: BaseException) -> dict[str, Any]:
    """Return the class and the innermost frames of an exception, never its text.

    Also the SQLSTATE and the constraint's name of a database error.
    """
    cause = getattr(failure, "orig", None)
    frames = traceback.extract_tb(failure.__traceback__)[-_FRAMES:]
    return {
        "error": type(failure).__qualname__,
        "sqlstate": getattr(cause, "pgcode", None),
        "constraint": getattr(getattr(cause, "diag", None), "constraint_name", None),
        "frames": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    }

"""Migration history of schema `staffstuddash`."""

from shared_db.provisioning.migrations import History
from shared_web.auth.migrations import MANAGING

HISTORY = History(
    "staffstuddash_service",
    "staffstuddash",
    reads=(
        "dropout.published_course_risks",
        "dropout.published_draws",
        "dropout.published_opened_reads",
        "dropout.published_places",
        "dropout.published_risk",
    ),
    writes=MANAGING,
    reads_for_persons=(
        "dropout_seen.published_course_risks",
        "dropout_seen.published_draws",
        "dropout_seen.published_places",
        "dropout_seen.published_risk",
    ),
    has_person_views=True,
    appends=("staffstuddash.reads",),
    calls=("staffstuddash.refresh_statistics(name)",),
)

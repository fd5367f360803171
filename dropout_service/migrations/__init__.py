"""Migration history of schema `dropout`."""

from shared_db.provisioning.migrations import History

HISTORY = History(
    "dropout_service",
    "dropout",
    reads=(
        "staffstuddash.published_deletions",
        "staffstuddash.published_aliases",
        "staffstuddash.published_classes",
        "staffstuddash.published_enrolments",
        "staffstuddash.published_identifiers",
    ),
)

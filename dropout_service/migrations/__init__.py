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
        "staffstuddash.published_holds",
        "staffstuddash.published_identifiers",
        "staffstuddash.published_memberships",
        "staffstuddash.published_openings",
        "staffstuddash.published_restrictions",
    ),
    reads_for_persons=(
        "staffstuddash_seen.published_deletions",
        "staffstuddash_seen.published_aliases",
        "staffstuddash_seen.published_classes",
        "staffstuddash_seen.published_enrolments",
        "staffstuddash_seen.published_identifiers",
        "staffstuddash_seen.published_openings",
        "staffstuddash_seen.published_restrictions",
    ),
    has_person_views=True,
    appends=("dropout.reads",),
    calls=("dropout.refresh_statistics(name)",),
)

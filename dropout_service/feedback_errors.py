"""Errors of feedback on predictions."""

from shared_db.errors import Exists, Invalid, NotFound, ServiceError


class FeedbackNotFound(NotFound):
    """The prediction has no feedback with that id."""

    slug = "no-such-feedback"
    title = "There is no such feedback"

    def __init__(self, feedback_id: str) -> None:
        super().__init__(f"The prediction has no feedback {feedback_id}.", feedback_id=feedback_id)


class FeedbackOfAnother(ServiceError):
    """Only its giver, or a caller with unlimited sight, may withdraw a feedback."""

    slug = "feedback-of-another"
    status = 403
    title = "Another caller gave this feedback"

    def __init__(self, feedback_id: str) -> None:
        super().__init__(
            f"Feedback {feedback_id} can be withdrawn by its giver, or by a caller who sees all"
            " students.",
            feedback_id=feedback_id,
        )


class UnknownSigns(Invalid):
    """A feedback names signs that the prediction does not have."""

    slug = "unknown-signs"
    title = "The prediction has no such signs"

    def __init__(self, unknown: list[str], known: list[str]) -> None:
        super().__init__(
            f"The prediction has no signs {', '.join(unknown)}. It has"
            f" {', '.join(known) or 'none'}.",
            field="signs",
        )


class FeedbackExists(Exists):
    """A feedback with that id is stored with other content."""

    slug = "feedback-exists"
    noun = "feedback"

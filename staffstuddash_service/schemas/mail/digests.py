"""Bodies of weekly digests."""

from datetime import date

from pydantic import Field

from shared_web.requests.fields import Body, Id, Out, Term, Text
from staffstuddash_service.domain.mail.digests import DigestLine, DigestSection, DigestText


class NewDigestLine(Body):
    """Line of a digest, with its student."""

    text: Term
    student_id: Id | None = None


class NewDigestSection(Body):
    """Heading with its lines."""

    title: Term
    lines: list[NewDigestLine] = Field(min_length=1, max_length=200)


class NewDigest(Body):
    """Digest of a person and week; without sections nothing is sent."""

    subject: Term = Field(max_length=200, examples=["Veritas: this week"])
    opening: Text
    sections: list[NewDigestSection] = Field(max_length=60)
    closing: Text

    def digest(self) -> DigestText:
        """Return the digest to store."""
        sections = [
            DigestSection(one.title, [DigestLine(**vars(line)) for line in one.lines])
            for one in self.sections
        ]
        return DigestText(self.subject, self.opening, sections, self.closing)


class DigestOut(Out):
    """Digest of a person and week; `was_sent` by this request. `text`: of a dry run alone."""

    person_id: str
    week: date
    was_sent: bool
    text: str | None = None


class RecipientOut(Out):
    """Member of staff without a digest of the week."""

    person_id: str


class RecipientsOut(Out):
    """Recipients by id."""

    items: list[RecipientOut]

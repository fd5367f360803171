"""Drafts of users: students with their identifiers, members of staff, and guardians."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from staffstuddash_service.datastore import StudentToStore
from staffstuddash_service.domain.roster import Guardian, Identifier, IdentifierKind, Person
from veritas_cli.oneroster.drafts import Draft, Record, Reference
from veritas_cli.oneroster.reading.cells import LeftOut, Row, RowRefused
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.roles import GUARDIANS, STAFF, STUDENT
from veritas_cli.oneroster.reading.staging import StagedRow, Staging, UserRole

_USER_ID = re.compile(r"\{?\s*([^:{},]+?)\s*:\s*([^{},]+?)\s*\}?")
_NAMES = (("preferredGivenName", "givenName"), ("preferredFamilyName", "familyName"))
# Systems of the identifiers that columns hold, by the column's meaning.
SYSTEM = "oneroster"
_COLUMNS = (
    ("username", f"{SYSTEM}:username", IdentifierKind.ACCOUNT),
    ("identifier", f"{SYSTEM}:identifier", IdentifierKind.ID),
    ("userMasterIdentifier", f"{SYSTEM}:userMasterIdentifier", IdentifierKind.ID),
)
_MAILBOX = "email"


class UserDrafts:
    """Drafts of a batch of users, for which their roles and relations are looked up at once.

    students: ids that are known to be students, without a role in the export.
    """

    def __init__(
        self, staging: Staging, batch: Sequence[StagedRow], students: Collection[str] = ()
    ) -> None:
        agents = {row.id: Row(row.cells).cells.get("agentSourcedIds", "") for row in batch}
        named = {id_.strip() for text in agents.values() for id_ in text.split(",")}
        self._agents = staging.find(File.USERS, named - {""})
        self._roles: Mapping[str, list[UserRole]] = {
            **{
                id_: [UserRole(id_, STUDENT, is_primary=True, organisation_id=None)]
                for id_ in students
            },
            **staging.roles({*agents, *self._agents}),
        }

    def draft(self, staged: StagedRow) -> Draft:
        """Return the records of a user.

        Raises:
            RowRefused: a cell is wrong.
            LeftOut: the user has no role.

        """
        row = Row(staged.cells)
        roles = self._roles.get(staged.id, [])
        if not roles:
            raise LeftOut("the user has no role")
        name = _name(row)
        email = row.email_or_none("email")
        records: list[Record] = []
        if _has(roles, STUDENT):
            id_ = row.student_id("sourcedId")
            records.append(StudentToStore(name, email, id_))
            records += _identifiers(row, id_, email)
            records += self._guardians_of(staged, row)
        elif _is_guardian(roles):
            records += self._children_of(staged, row, name)
        if staff := [one for one in roles if one.role in STAFF]:
            records.append(_person(row, staged, name, email, staff))
        organisations = row.ids("orgSourcedIds")
        return Draft(
            staged,
            tuple(records),
            (Reference("orgSourcedIds", File.ORGANISATIONS, organisations),),
        )

    def _guardians_of(self, student: StagedRow, row: Row) -> Iterator[Guardian]:
        for id_ in row.ids("agentSourcedIds"):
            agent = self._agents.get(id_)
            roles = self._roles.get(id_, [])
            if agent is None or agent.is_ending or not _is_guardian(roles):
                continue
            try:
                other = Row(agent.cells)
                guardian = _guardian(other, agent.id, student.id, _name(other), roles)
            except RowRefused:
                # The guardian's own row is refused.
                continue
            yield guardian

    def _children_of(self, guardian: StagedRow, row: Row, name: str) -> Iterator[Guardian]:
        """Yield the relations that only the guardian's row names."""
        for id_ in row.ids("agentSourcedIds"):
            child = self._agents.get(id_)
            roles = self._roles.get(id_, [])
            if child is None or child.is_ending or not _has(roles, STUDENT):
                continue
            if guardian.id not in Row(child.cells).ids("agentSourcedIds"):
                yield _guardian(row, guardian.id, id_, name, self._roles[guardian.id])


def _name(row: Row) -> str:
    parts = []
    for preferred, usual in _NAMES:
        part = row.name_or_none(preferred) or row.name_or_none(usual)
        if part is not None:
            parts.append(part)
    if not parts:
        raise RowRefused("familyName", "is missing")
    return Row({"familyName": " ".join(parts)}).name_or_none("familyName") or ""


def _identifiers(row: Row, student_id: str, email: str | None) -> list[Identifier]:
    found = [
        Identifier(student_id, system, kind, value)
        for column, system, kind in _COLUMNS
        if (value := row.label_or_none(column)) is not None
    ]
    for part in row.labels("userIds"):
        matched = _USER_ID.fullmatch(part)
        system, value = matched.groups() if matched else (f"{SYSTEM}:userIds", part)
        found.append(Identifier(student_id, system, IdentifierKind.ID, value))
    if email is not None:
        found.append(Identifier(student_id, _MAILBOX, IdentifierKind.MAILBOX, email.lower()))
    return list(dict.fromkeys(found))


def _person(
    row: Row, staged: StagedRow, name: str, email: str | None, roles: Sequence[UserRole]
) -> Person:
    named = [one.organisation_id for one in roles] + [row.id_or_none("primaryOrgSourcedId")]
    organisations = dict.fromkeys(id_ for id_ in named if id_ is not None)
    username = row.label_or_none("username")
    # Sorted, because the order of rows means nothing.
    return Person(
        staged.id, name, STAFF[roles[0].role], email, username, tuple(sorted(organisations))
    )


def _guardian(
    row: Row, id_: str, student_id: str, name: str, roles: Sequence[UserRole]
) -> Guardian:
    relation = next(one.role for one in roles if one.role in GUARDIANS)
    phone = row.label_or_none("phone") or row.label_or_none("sms")
    # A guardian of several students has a row for each of them.
    joined = Row({"sourcedId": f"{id_}:{student_id}"}).id("sourcedId")
    return Guardian(joined, student_id, name, relation, row.email_or_none("email"), phone)


def _has(roles: Sequence[UserRole], role: str) -> bool:
    return any(one.role == role for one in roles)


def _is_guardian(roles: Sequence[UserRole]) -> bool:
    return any(one.role in GUARDIANS for one in roles)

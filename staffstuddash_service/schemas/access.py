"""Bodies of keys and roles."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared_web.auth.validity.key_limits import MAX_NETWORKS, network
from shared_web.principals import Permission, Role, Scope, known_permissions
from shared_web.requests.fields import Body, Id, Instant, Out, refusal_by_field

Permissions = Annotated[list[Annotated[Permission, Field(strict=False)]], Field(max_length=100)]
Scopes = Annotated[list[Annotated[Scope, Field(strict=False)]], Field(max_length=10)]


def _network(text: str) -> str:
    return str(network(text))


Address = Annotated[str, StringConstraints(max_length=50), AfterValidator(_network)]
Addresses = Annotated[list[Address], Field(max_length=MAX_NETWORKS)]


class NewKey(Body):
    """Key to make; it has at least one scope or permission."""

    name: Id = Field(examples=["dashboard"])
    scopes: Scopes = Field(default=[], examples=[["read"]])
    permissions: Permissions = Field(default=[], examples=[["erase"]])
    expires_at: Instant | None = Field(None, description="First instant of its refusal.")
    addresses: Addresses = Field(
        default=[],
        description="Addresses and networks of its callers; none: anywhere.",
        examples=[["10.0.0.0/8"]],
    )

    @model_validator(mode="after")
    def _require_a_grant(self) -> Self:
        if not self.granted:
            raise refusal_by_field({"permissions": "must not be empty without scopes"}, {})
        return self

    @property
    def granted(self) -> tuple[Scope | Permission, ...]:
        """Scopes and permissions of the key."""
        return (*self.scopes, *self.permissions)

    @property
    def granted_permissions(self) -> frozenset[Permission]:
        """Permissions of the key, those of its scopes included."""
        return known_permissions(" ".join(self.granted))


class KeyOut(Out):
    """Key without its secret; `permissions` are all that it has, those of its scopes included."""

    name: str
    scopes: list[Scope]
    permissions: list[Permission]
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="Some minutes late.")
    expires_at: datetime | None = Field(description="First instant of its refusal.")
    addresses: list[str] = Field(description="Networks of its callers; none: anywhere.")


class NewKeyOut(KeyOut):
    """New key with its secret, which is shown only here."""

    key: str


class KeysOut(Out):
    """All keys by name, the revoked ones included."""

    items: list[KeyOut]


class RoleReplacement(Body):
    """Permissions of a role, and its sight of every student."""

    permissions: Permissions = Field(min_length=1, examples=[["students.read"]])
    sees_all: bool = False


class RoleOut(Out):
    """Role; the built-in ones cannot be changed."""

    name: str
    permissions: list[Permission]
    sees_all: bool
    is_built_in: bool

    @classmethod
    def of(cls, role: Role) -> Self:
        """Return the body of a role, its permissions in alphabetical order."""
        return cls(
            name=role.name,
            permissions=sorted(role.permissions),
            sees_all=role.sees_all,
            is_built_in=role.is_built_in,
        )


class RolesOut(Out):
    """Built-in roles, then those of the school by name."""

    items: list[RoleOut]

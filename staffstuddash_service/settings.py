"""Settings of staffstuddash."""

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from shared_web.mail import MailServer
from shared_web.settings import RetentionDays, ServiceSettings
from staffstuddash_service.domain.mail.digests import is_plain_address


class MailSettings(ServiceSettings):
    """Settings of mails; without a server none is sent.

    digest_leave_out: addresses or ids of members of staff without a weekly digest.
    """

    smtp_url: SecretStr | None = None
    mail_from: str = ""
    break_glass_mail: Annotated[tuple[str, ...], NoDecode] = Field((), validate_default=True)
    digest_leave_out: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("smtp_url")
    @classmethod
    def _require_server(cls, url: SecretStr | None) -> SecretStr | None:
        try:
            if url is not None:
                MailServer.of_url(url.get_secret_value(), "")
        except ValueError:
            raise ValueError(
                "must be an address as smtp://USER:PASSWORD@mail.school.example:587, or smtps://, "
                "with percent-encoded user and password"
            ) from None
        return url

    @field_validator("break_glass_mail", "digest_leave_out", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("mail_from")
    @classmethod
    def _require_sender(cls, address: str) -> str:
        return _checked(address) if address else address

    @field_validator("break_glass_mail")
    @classmethod
    def _require_addresses(
        cls, addresses: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(_checked(address) for address in addresses if address))
        if found and not (info.data.get("smtp_url") and info.data.get("mail_from")):
            raise ValueError("needs SMTP_URL and MAIL_FROM, which send the mails")
        return found

    @field_validator("digest_leave_out")
    @classmethod
    def _normalise_left_out(cls, left_out: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one.casefold() for one in left_out if one)

    @property
    def mail_server(self) -> MailServer | None:
        """Server that takes mails; None if none is set."""
        if self.smtp_url is None or not self.mail_from:
            return None
        return MailServer.of_url(self.smtp_url.get_secret_value(), self.mail_from)


def _checked(address: str) -> str:
    if not is_plain_address(address):
        raise ValueError("names plain addresses of mail, as head@school.example")
    return address


class Settings(MailSettings):
    """Common settings, the port, and the intervals of the periodic work in seconds; 0 is never."""

    own_url: ClassVar[str | None] = "staffstuddash_database_url"

    staffstuddash_database_url: SecretStr | None = None
    staffstuddash_port: int = Field(8002, ge=1, le=65535)
    records_refresh_seconds: float = Field(15, ge=0, le=3600)
    imports_seconds: float = Field(10, ge=0, le=3600)
    erasing_seconds: float = Field(20, ge=0, le=3600)
    retention_actions_days: RetentionDays = None
    retention_audit_days: RetentionDays = None
    retention_drafts_days: RetentionDays = None
    retention_leavers_days: RetentionDays = None
    retention_marks_days: RetentionDays = None
    retention_roster_days: RetentionDays = None

"""Settings of staffstuddash."""

import re
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from shared_web.mail import MailServer
from shared_web.settings import RetentionDays, ServiceSettings

_ADDRESS_LENGTH = 254
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f\x7f]+@[A-Za-z0-9.-]+")


class MailSettings(ServiceSettings):
    """Settings of mails; without a server and recipients none is sent."""

    smtp_url: SecretStr | None = None
    mail_from: str = ""
    break_glass_mail: Annotated[tuple[str, ...], NoDecode] = Field((), validate_default=True)

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

    @field_validator("break_glass_mail", mode="before")
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

    @property
    def mail_server(self) -> MailServer | None:
        """Server that takes mails; None if none is set."""
        if self.smtp_url is None or not self.mail_from:
            return None
        return MailServer.of_url(self.smtp_url.get_secret_value(), self.mail_from)


def _checked(address: str) -> str:
    if not address.isascii() or len(address) > _ADDRESS_LENGTH or not _ADDRESS.fullmatch(address):
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

"""Logins of persons: their form, and the header by which a system names a person."""

from starlette.datastructures import Headers

from shared_db.columns import ID_LENGTH
from shared_web.problems import InvalidRequest
from shared_web.requests.text import at_most, check_email

ON_BEHALF_OF = "Veritas-On-Behalf-Of"
# The login is the actor in records if the roster has nobody of it.
MAX_LOGIN = ID_LENGTH
checked_login = at_most(MAX_LOGIN, check_email)


def person_named(headers: Headers) -> str | None:
    """Return the login of the person for whom a system calls, or None if it names nobody.

    Raises:
        InvalidRequest: the header is repeated or empty, or no login has that form.

    """
    sent = headers.getlist(ON_BEHALF_OF)
    if not sent:
        return None
    try:
        login = checked_login(sent[0].encode("latin-1").decode().strip())
    except ValueError:
        login = ""
    if len(sent) > 1 or not login:
        raise InvalidRequest(
            f"Send one `{ON_BEHALF_OF}` with the e-mail address, the user name or the id of one "
            f"person: visible characters in UTF-8, at most {MAX_LOGIN}."
        )
    return login

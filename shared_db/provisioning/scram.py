"""SCRAM verifiers of passwords that are 32 random bytes."""

import base64
import hashlib
import hmac
import re
import secrets

_RANDOM = re.compile(r"[0-9a-f]{64}")


def is_random(password: str) -> bool:
    """Return True if the password is 32 bytes as 64 hexadecimal digits, as `secrets.sh` makes."""
    return _RANDOM.fullmatch(password) is not None


def scram_verifier(password: str) -> str:
    """Return the SCRAM verifier of the password (RFC 5803), with one round of hashing.

    The usual 4,096 rounds protect weak passwords. With 256 random bits they would only cost the
    client of each new connection 2 to 4 ms.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt_64, stored_64, server_64 = (
        base64.b64encode(part).decode() for part in (salt, stored_key, server_key)
    )
    return f"SCRAM-SHA-256$1:{salt_64}${stored_64}:{server_64}"

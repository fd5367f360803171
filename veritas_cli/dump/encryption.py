"""Encryption of a backup's parts in the format of age, as streams: any size in little memory."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import pyrage
from pyrage import x25519

from shared_db.errors import ConfigurationError

# Copies from a stream to another one, and changes the bytes on the way.
Copy = Callable[[IO[bytes], IO[bytes]], None]
T = TypeVar("T")

_CHUNK_BYTES = 256 * 1024
_WRONG_KEY = "No matching keys"
_KEY_BEGIN = "AGE-SECRET-KEY-"


def plain_copy(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy the bytes as they are."""
    while chunk := source.read(_CHUNK_BYTES):
        target.write(chunk)


def encryption_for(recipients: Sequence[str]) -> Copy:
    """Return the copy that encrypts for the holders of these keys; without any, a plain copy.

    Raises:
        ConfigurationError: a text is no public key of age.

    """
    if not recipients:
        return plain_copy
    keys = [_recipient(text) for text in recipients]

    def encrypt(source: IO[bytes], target: IO[bytes]) -> None:
        _transform(pyrage.encrypt_io, source, target, keys)

    return encrypt


def decryption_by(identities: Sequence[x25519.Identity], file: Path) -> Copy:
    """Return the copy that decrypts parts of the file by one of the keys.

    It raises ConfigurationError if no key fits, or a byte was altered or is missing.
    """
    damaged = f"{file} is damaged or cut off: its encryption does not fit. Nothing was changed."

    def decrypt(source: IO[bytes], target: IO[bytes]) -> None:
        try:
            _transform(pyrage.decrypt_io, source, target, identities)
        except pyrage.DecryptError as failure:
            if _WRONG_KEY not in str(failure):
                raise ConfigurationError(damaged) from failure
            raise ConfigurationError(
                f"{file} is encrypted for other keys than that of --identity."
            ) from failure
        except OSError as failure:
            if failure.errno is not None:  # of the target, for example a broken pipe
                raise
            raise ConfigurationError(damaged) from failure

    return decrypt


def read_identities(file: Path) -> list[x25519.Identity]:
    """Return the secret keys in a file, as `age-keygen` writes it.

    Raises:
        ConfigurationError: the file cannot be read, or has no key or a wrong line.

    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigurationError(f"The key file {file} cannot be read.") from failure
    keys = [line for line in lines if line and not line.startswith("#")]
    try:
        identities = [x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError:
        identities = []
    if not identities:
        # The reason could hold a part of the key.
        raise ConfigurationError(f"{file} is no key file of age: its lines begin {_KEY_BEGIN}1.")
    return identities


def _recipient(text: str) -> x25519.Recipient:
    if text.upper().startswith(_KEY_BEGIN):
        raise ConfigurationError(
            "This recipient is a secret key. Name its public key, which begins age1, and make a "
            "new pair if others can have read this one."
        )
    try:
        return x25519.Recipient.from_str(text)
    except pyrage.RecipientError as failure:
        raise ConfigurationError(
            f"{text[:80]} is no public key of age, which begins age1. `age-keygen` makes one."
        ) from failure


class _Watched:
    """Stream that keeps the exception of its own: pyrage would turn Ctrl-C into its own error."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        return self._watch(lambda: self._stream.read(size))

    def write(self, data: bytes) -> int:
        """Write the bytes."""
        return self._watch(lambda: self._stream.write(data))

    def flush(self) -> None:
        """Flush the stream."""
        self._watch(self._stream.flush)

    def _watch(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except BaseException as failure:
            self.failure = failure
            raise


def _transform(
    act: Callable[..., object], source: IO[bytes], target: IO[bytes], keys: Sequence[Any]
) -> None:
    streams = _Watched(source), _Watched(target)
    try:
        act(*streams, keys)
    except BaseException:
        for stream in streams:
            if stream.failure is not None:
                raise stream.failure from None
        raise

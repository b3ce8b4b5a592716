"""Keep people out of tables and secrets out of messages: pseudonyms, their key, redaction."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import unicodedata
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leadrole.errors import StorageError

KEY_BYTES = 32
HIDDEN = "[hidden]"
# Shorter than this, a fragment of a secret would hide ordinary words in a message.
SHORTEST_FRAGMENT = 8


@contextmanager
def private_files() -> Iterator[None]:
    """Files made inside are readable by their owner only (0600; directories 0700)."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def pseudonym_key(path: Path) -> bytes:
    """The key of this home, made on the first run; losing it renames every rep, so it is never replaced."""
    with private_files():
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            return _read_key(path)
        except OSError as error:
            raise StorageError(
                f"the pseudonym key can't be written: {error.strerror}",
                where=str(path),
                next_step="make the data directory writable for the user that runs leadrole",
            ) from None
        with os.fdopen(handle, "w") as file:
            key = secrets.token_bytes(KEY_BYTES)
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    return key


def _read_key(path: Path) -> bytes:
    restore = "restore data/pseudonym.key from your backup; a new key would give every rep a new pseudonym"
    if path.is_symlink():
        raise StorageError("the pseudonym key is a symbolic link", where=str(path), next_step=restore)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise StorageError(
            "the pseudonym key can't be read as hexadecimal text", where=str(path), next_step=restore
        ) from None
    if len(key) != KEY_BYTES:
        raise StorageError(
            f"the pseudonym key has {len(key)} bytes, {KEY_BYTES} are needed",
            where=str(path),
            next_step=restore,
        )
    return key


def rep_key(key: bytes, rep_id: str) -> str:
    """The pseudonym of one rep: the same every night in this home, unlinkable without the key."""
    return _pseudonym(key, rep_id)[:12]


def email_key(key: bytes, address: str) -> str:
    """A pseudonym for an address: the same for the same address in this home, unlinkable without its key."""
    plain = unicodedata.normalize("NFC", address).strip().lower()
    return _pseudonym(key, plain)[:16]


def domain_key(key: bytes, text: str) -> str | None:
    """A pseudonym for the domain of an address, a web site or a bare domain; None where there is no domain.

    `www.` is left out, so that a site and the addresses of the same company agree.
    """
    plain = unicodedata.normalize("NFC", text).strip().lower().rpartition("@")[2]
    host = plain.rpartition("//")[2].partition("/")[0].partition(":")[0].strip(".").removeprefix("www.")
    if not re.fullmatch(r"[^\s.]+(\.[^\s.]+)+", host):
        return None
    return _pseudonym(key, f"domain:{host}")[:16]


def _pseudonym(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def redact(text: str, hidden: Iterable[str]) -> str:
    """`text` without any of the secrets, in the six shapes in which a library may repeat them.

    Raw, URL-encoded, base64 (alone and as user:password), JSON-escaped, reversed as a header's repr,
    and the first or last eight characters that some libraries keep "for recognition".
    """
    needles: set[str] = set()
    for secret in hidden:
        if not secret:
            continue
        encoded = secret.encode("utf-8", "surrogatepass")
        needles |= {
            secret,
            urllib.parse.quote(secret, safe=""),
            urllib.parse.quote_plus(secret),
            base64.b64encode(encoded).decode().rstrip("="),
            base64.b64encode(b":" + encoded).decode().rstrip("="),
            base64.b64encode(encoded + b":").decode().rstrip("="),
            json.dumps(secret)[1:-1],
            repr(secret)[1:-1],
            secret[::-1],
        }
        if len(secret) >= 2 * SHORTEST_FRAGMENT:
            needles |= {secret[:SHORTEST_FRAGMENT], secret[-SHORTEST_FRAGMENT:]}
    # Longest first: replacing a fragment first would leave the rest of the secret standing.
    for needle in sorted(needles, key=len, reverse=True):
        text = text.replace(needle, HIDDEN)
    return text

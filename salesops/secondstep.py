"""Second steps in the database: useless to whoever has a copy of it, but not the secret key."""

from __future__ import annotations

import secrets
from base64 import b32encode, urlsafe_b64encode

import structlog
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

log = structlog.get_logger(__name__)
SEALED = "sealed:"


class SecondStepAdapter(DefaultMFAAdapter):
    """Encrypts (AES-128 with HMAC-SHA-256) what authenticator apps and recovery codes are worked out from."""

    def encrypt(self, text: str) -> str:
        """Sealed by a key derived from `SECRET_KEY`."""
        return SEALED + _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What was sealed by `SECRET_KEY` or a former one; a text from before there were seals as it is.

        Sealed by another key, it is answered by a random secret, which no code fits: the person's second step must be
        set up anew.
        """
        if not encrypted_text.startswith(SEALED):
            return encrypted_text
        try:
            return _box().decrypt(encrypted_text.removeprefix(SEALED).encode()).decode()
        except InvalidToken:
            log.error(
                "second_step_sealed_by_another_key", cure="put the former key into SECRET_KEY_FALLBACKS"
            )
            return b32encode(secrets.token_bytes(20)).decode()


def _box() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"salesops second step").derive(secret.encode())
    return Fernet(urlsafe_b64encode(derived))

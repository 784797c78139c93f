"""Settings that are made from an address: databases, caches, the identity provider, the content policy."""

from typing import Any
from urllib.parse import urlsplit

import environ


def database(url: str) -> dict[str, Any]:
    """Django's description of a database; gives up connecting after five seconds instead of hanging."""
    found: dict[str, Any] = (
        environ.Env.db_url_config(url) if url else {"ENGINE": "django.db.backends.postgresql"}
    )
    if found["ENGINE"] == "django.db.backends.postgresql":
        found["ENGINE"] = "salesops.wall.postgresql"
    options = dict(found.get("OPTIONS") or {})
    return {
        **found,
        # a socket folder comes as an option; Django wants it as the host
        "HOST": options.pop("host", None) or found.get("HOST", ""),
        "CONN_MAX_AGE": 0,  # a request's thread ends with it; `salesops.wall.postgresql.idle` keeps connections
        "OPTIONS": {"connect_timeout": 5, "application_name": "salesops", **options},
    }


def cache(url: str) -> dict[str, Any]:
    """Django's description of a cache. Nothing confidential is ever put there."""
    if url.startswith("dbcache://"):
        return {
            "BACKEND": "django.core.cache.backends.db.DatabaseCache",
            "LOCATION": url.removeprefix("dbcache://"),
            "OPTIONS": {"MAX_ENTRIES": 20_000},
        }
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": "salesops",
    }


def identity_provider(issuer: str, client_id: str, secret: str, name: str) -> dict[str, Any]:
    """allauth's description of single sign-on by OpenID Connect; no provider without an issuer."""
    provider = {
        "provider_id": "sso",
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [provider] if issuer else []}}


def content_policy(*, form_targets: list[str]) -> dict[str, list[str]]:
    """The content security policy: our own files only, no inline script, no frame, no other server.

    Forms may also be sent to the identity provider: browsers apply `form-action` to redirects too.
    """
    origins = [f"{urlsplit(target).scheme}://{urlsplit(target).netloc}" for target in form_targets if target]
    return {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'", *origins],
    }

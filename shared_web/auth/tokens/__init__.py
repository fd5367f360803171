"""Access tokens of OpenID Connect: the issuer's keys, verification, a cache, and logins."""

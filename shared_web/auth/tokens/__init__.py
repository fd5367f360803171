"""Access tokens of OpenID Connect: the issuer's keys, verification, and a cache."""

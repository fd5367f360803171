"""Sessions: signed cookies, the persons of them, and the sign-in by OpenID Connect."""

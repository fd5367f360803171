"""OpenAPI documents of the services in `openapi/`, and their breaking changes."""

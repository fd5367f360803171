"""Operation of a service: health, logs, reports, periodic tasks, serving; no resource.

Exports nothing, so that the health check of a container imports only `readiness`.
"""

"""Operation of a service: health, logs, error reports, periodic work, serving; no resources."""

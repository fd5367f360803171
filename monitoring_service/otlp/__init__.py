"""OpenTelemetry's protocol (OTLP/HTTP): its messages, and their events."""

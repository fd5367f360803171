"""Child processes: services, ports and termination; no database."""

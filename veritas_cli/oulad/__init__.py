"""Readers and importer of OULAD; rules on enrolments and events are in dropout_service."""

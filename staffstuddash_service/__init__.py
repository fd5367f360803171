"""Service of staff: students, assessments, drafts, performance records and dashboards."""

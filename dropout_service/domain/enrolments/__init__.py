"""Features of an enrolment and the explanation of a model's output for it; no rules."""

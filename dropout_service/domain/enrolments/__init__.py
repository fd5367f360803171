"""Features of an enrolment and the explanation of a model's output; no rules, no training."""

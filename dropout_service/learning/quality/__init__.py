"""Quality of models that predict: against the one before, on left-out courses, and by week."""

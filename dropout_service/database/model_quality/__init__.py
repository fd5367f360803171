"""Quality of the models' predictions on the outcomes that arrive."""

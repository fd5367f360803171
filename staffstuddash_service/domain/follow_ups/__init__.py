"""Actions about students, and the figures of interventions."""

"""Who is about to drop out, why, and what helps: learning events in, predictions out."""

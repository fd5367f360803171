"""Rules that turn a student's counts into indicators and a risk; nothing that is learned."""

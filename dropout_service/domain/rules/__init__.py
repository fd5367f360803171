"""Rules that turn a student's counts into features, indicators and a risk; nothing trained."""

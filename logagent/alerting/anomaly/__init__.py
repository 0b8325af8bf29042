"""Alerts on values that are unlike those before: what is usual, learned per group, and how far off a value is."""

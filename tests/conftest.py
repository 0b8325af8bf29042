"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# how long an example takes is the machine's affair; in CI, hypothesis's own profile for it stays in force beside this
settings.register_profile("logagent", parent=settings(), deadline=None)
settings.load_profile("logagent")

"""What the agent costs, against the floor; and the log and truth that the torture tests use as well."""

"""Records and spans become metric series, and series become text."""

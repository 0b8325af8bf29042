"""Service level objectives: how many of the valid events may be bad, and how fast they are being spent."""

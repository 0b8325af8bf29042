"""The local web page, health and /metrics."""

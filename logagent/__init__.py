"""logagent: spans, metrics and alerts from the logs that an application already writes."""

__version__ = "0.1.0"

"""The sample application of ``logagent demo``. It tells the agent nothing but by its log."""

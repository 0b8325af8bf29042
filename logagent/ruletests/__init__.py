"""Tests inside rule files: events on a virtual clock, and what metrics, alerts, budgets and SLOs must come of them."""

"""What other systems take: rules for Prometheus, dashboards for Grafana, schemas for editors."""

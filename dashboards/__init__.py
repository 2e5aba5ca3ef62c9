"""Grafana's dashboards, made by code: `make dashboards` writes deploy/grafana."""

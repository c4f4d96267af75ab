"""Owns what is watched: promises with their error budgets, alerts with their runbooks, dashboards."""

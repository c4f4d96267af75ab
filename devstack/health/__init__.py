"""Plots of the health of cohorts: what is asked, and how it is drawn."""

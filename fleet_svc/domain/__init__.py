"""The decisions of fleet_svc: pure, given the time and the rows, free of contracts."""

"""fleet_svc: who the Hubs are, what their owners allow, and who has to know."""

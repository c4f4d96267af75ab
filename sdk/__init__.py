"""Reference client crypto for apps and Hubs. It knows no service and stores nothing; services must not import it."""

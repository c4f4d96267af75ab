"""How fast the registry takes Hubs in, renews them, offers them firmware, and cuts one off."""

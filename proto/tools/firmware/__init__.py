"""Makes proto/firmware/gen: bounded C for a Hub from the contracts, with their own rules as the one source of sizes."""

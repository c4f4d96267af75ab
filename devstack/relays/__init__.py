"""What operators see of the relays of a stack."""

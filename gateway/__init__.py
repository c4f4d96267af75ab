"""The front door: Envoy's configuration, made from the contracts. Knows no service's code, only its options."""

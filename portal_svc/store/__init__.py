"""Owns the portal's SQL, one aggregate a module; decides nothing."""

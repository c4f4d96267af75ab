"""Unpacks and packs; decides nothing."""

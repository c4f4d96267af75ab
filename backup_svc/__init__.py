"""Backups that we keep and cannot use: sealed containers under locators that name nobody."""

"""The backup of a home as apps and Hubs hold it: the Recovery Key, the `ORAB` container and its plaintext. No network.

The format is docs/backup-format.md; services must not import this package.
"""

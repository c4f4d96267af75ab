"""A simulated Hub: the reference for what firmware does. Its messages are betterproto2's, not the services'."""

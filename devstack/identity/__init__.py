"""The two identity providers of a development stack, the people they know, and how to sign in as one of them."""

"""The OpenAPI 3.1 document of the REST API, made from the contracts, their comments and their rules."""

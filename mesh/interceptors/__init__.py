"""Owns the stages that every call passes before and after its handler; knows no service.

Outermost first: telemetry, conformance, errors, deadline, identity, policy, rate limit, validation, idempotency. They
are not ``grpc.aio`` interceptors, each of which costs a tenth of a unary call or more, but stages of one wrapper
(``mesh.interceptors.chain``), picked for each method when it is registered: what a method does not need costs nothing.
"""

"""Owns what a login may be for: every intent that a method of the contract asks for, behind the gateway or not."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from ora.options.v1 import options_pb2

from gateway.contract import DESCRIPTORS


def intents() -> set[str]:
    """Return the intents of the contract."""
    files = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file
    methods = [method for file in files for service in file.service for method in service.method]
    found = {method.options.Extensions[options_pb2.policy].step_up.intent for method in methods}
    return found - {""}

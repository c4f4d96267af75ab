"""What is decided, without I/O, clock or Protobuf. Nothing here could open a container."""

"""What is copied into the sandbox and runs there; the standard library only."""

"""What stands around the functions: database, stacks, the local cloud and the demo shop."""

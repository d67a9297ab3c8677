"""What stays up beside the command, and the flows that it runs."""

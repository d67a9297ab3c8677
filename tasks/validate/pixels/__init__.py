"""What of the original is still there."""

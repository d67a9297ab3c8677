"""What is no part of a release workspace."""

"""Where things lie, whole or not at all."""

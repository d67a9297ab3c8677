"""One DVC stage as a Prefect flow. It imports nothing, so that its door opens at once."""

"""Measurements of the graph, the store and the neural backends."""

"""Faces over a whole clip."""

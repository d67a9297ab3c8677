"""Faces, hands and bodies in one picture."""

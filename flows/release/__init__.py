"""A version, from decision to withdrawal."""

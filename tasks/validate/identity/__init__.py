"""Who can still be recognised."""

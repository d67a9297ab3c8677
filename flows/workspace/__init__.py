"""The folder under git and DVC in which releases are made."""

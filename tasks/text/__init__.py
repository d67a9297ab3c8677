"""Text that is burned into a picture: found, told apart, followed."""

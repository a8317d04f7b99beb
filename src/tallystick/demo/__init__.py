"""A small believable studio to look around in, and to test against."""

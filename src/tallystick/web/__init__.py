"""Pages and addresses for people and their machines."""

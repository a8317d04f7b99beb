"""Turns a credential into an actor: passwords, tokens, and how often each may ask."""

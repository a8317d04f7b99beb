"""The APIs: each translates between its own wire language and the verbs of the domain, and decides nothing."""

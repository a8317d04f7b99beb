"""The trade itself: one noun a module, with its rows, its rules and its verbs."""

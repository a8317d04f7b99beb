"""Mail: through whom a workspace sends, in which words, and every letter with what became of it."""

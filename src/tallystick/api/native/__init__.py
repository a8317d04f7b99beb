"""The native API at `/api/v1`: wire-compatible with Hoursmith, and a superset of it."""

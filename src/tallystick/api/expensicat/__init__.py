"""The API of Expensicat's clients: snake_case JSON, `data` and `meta`, session JWTs and OAuth access tokens."""

"""The app for people: pages that open a transaction as whoever is signed in, call the domain, and show what it says."""

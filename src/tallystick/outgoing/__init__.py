"""What leaves the server for the network: connections that are looked at first, and mail."""

"""What the server tells its operator: log lines, numbers and spans. Nothing of it leaves the machine by itself."""

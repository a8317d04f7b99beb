"""Tallystick: track time, turn it into invoices, get paid. One record behind three APIs and a web app."""

__version__ = "0.1.0"

"""Webhooks: who wants to hear of which events, what they are sent, and what became of it.

A chapter each: the events there are, the endpoints, the deliveries with their log, and how an event becomes deliveries.
"""

"""Notifications: what a person is told of by itself, on the pages and by mail, each kind as they chose.

A chapter each: the notifications, what a person chose, and the letters. What is found by looking is in `noticing`.
"""

"""Plain facts of the trade: refusals, ids, money, durations and seals; imports nothing of ours."""

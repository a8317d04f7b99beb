"""Reports: what was worked, invoiced, collected and is left to bill, summed exactly. A module for each."""

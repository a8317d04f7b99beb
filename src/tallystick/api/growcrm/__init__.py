"""The Grow CRM-compatible API: the same record, in the words of programs written for Grow CRM."""

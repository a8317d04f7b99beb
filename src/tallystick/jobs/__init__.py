"""Work that is done after the answer was given: the queue's tasks, each a few lines over a verb, and the worker."""

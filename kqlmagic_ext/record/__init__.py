"""The investigation record: every query, its answer, and what shows that nothing was changed."""

"""The functions that the embedded engine has beside duckdb-kql's, all in SQL."""

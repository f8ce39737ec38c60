"""The investigation record: every query of a case, its answer and the answer's hash, kept on this machine.

A case is a folder:

| there | what it is |
|---|---|
| `records/R12.json` | one record: what was asked, where, when, and what came, with the hash of all that; an empty file is an id that a kernel has taken |
| `results/HASH.parquet` | one result table, named by the hash of its content (`canonical.py`) |
| `results/HASH.evicted` | a mark: the table was taken away to stay within the budget |
| `index.sqlite` | an index of the records, which can be made again from them |
"""

"""Invented people and the records that eleven databases would hold about them.

One population drives all of it: who lives where, falls ill, is treated, cared for, vaccinated and dies. Parameters are
tables under `data/` (see `data/SOURCE.md`). Nothing here reads a real person's record, and nothing of it is imported
by the parts that guard real ones.
"""

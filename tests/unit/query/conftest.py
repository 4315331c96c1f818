from tests.unit.query.small_extract import engine, extract, policy

__all__ = ["engine", "extract", "policy"]

from tests.unit.query.small_extract import policy

__all__ = ["policy"]

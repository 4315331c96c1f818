"""The words all stories share: ids, permits, refusals, events, wordings. Standard library only."""

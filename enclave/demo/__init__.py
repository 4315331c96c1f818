"""The profile `demo`: fixed accounts, the loaded database, the walk through the story, the tour of the pages."""

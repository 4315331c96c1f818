"""Application → review → permit: one application over several databases, one opinion sheet per database, a permit."""

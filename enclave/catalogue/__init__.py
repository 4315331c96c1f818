"""The public face of the databases: tables, columns, roles, titles and codes, as data. Never a value of a person."""

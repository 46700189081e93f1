"""A slip in a name, and one in a signature."""


def conect(dsn):
    """No act is called so."""


def fetch_val(connection):
    """An argument is missing."""

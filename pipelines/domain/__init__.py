"""Words and contracts of the post-purchase field. No I/O lives here; standard library and pydantic only."""

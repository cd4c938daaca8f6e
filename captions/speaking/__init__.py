"""A speaker that is a program: what it keeps, how fast it sends, how it comes back. Pure, with a thin driver."""

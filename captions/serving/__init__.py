"""Running the server: what is checked before it starts, and the two servers it runs under."""

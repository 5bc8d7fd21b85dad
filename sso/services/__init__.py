"""What single sign-on does: each writes in one transaction, with locks, and is recorded."""

"""What a tag promises, and what that platform provides."""

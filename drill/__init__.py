"""A drill: break everything while jobs are under way, then count them."""

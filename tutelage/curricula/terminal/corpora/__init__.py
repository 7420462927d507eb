"""What a policy reads before it is taught: sessions, manuals and prose."""

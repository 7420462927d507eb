"""What people say of replies: tasks, leases, labels, accounts, kept in SQLite or PostgreSQL."""

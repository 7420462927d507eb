"""One module a sub-command; beside the command line itself the only code that prints."""

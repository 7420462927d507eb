"""One module a sub-command; with the command line itself the only code that prints."""

"""People in the browser: chat, labels, runs and the API, one process on one port."""

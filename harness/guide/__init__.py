"""What can be written in a task page, from the schema and the plug-ins themselves, and what tasks there are."""

"""The parts of the report, one file each: what is shown, as plain values for the template of the same name."""

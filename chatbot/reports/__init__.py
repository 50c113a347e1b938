"""A report file to its papers and sections."""

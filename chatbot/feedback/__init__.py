"""What readers thought of answers, and rules proposed from what recurs."""

"""Questions changed a little, so that a score can be compared with itself: one file for each way of changing."""

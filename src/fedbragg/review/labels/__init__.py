"""Labels of several people, and what one person can do with them."""

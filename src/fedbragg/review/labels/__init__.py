"""Labels of several people, and one person's work with them."""

"""Tables, figures, pictures and the pages that hold them."""

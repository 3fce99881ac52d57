"""One site's training: loop, states, metrics."""

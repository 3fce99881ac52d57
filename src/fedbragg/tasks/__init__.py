"""One file a capability: data, model, loss and metrics."""

"""One folder for each task: its data, network, loss, metrics and model file."""

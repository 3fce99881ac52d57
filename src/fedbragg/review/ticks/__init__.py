"""The page for tasks whose answers are ticked: tags and phases."""

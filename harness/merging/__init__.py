"""What was measured in parts becomes whole runs again, and whole runs become bundles."""

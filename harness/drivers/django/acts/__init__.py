"""What a user of Django writes for each act, over either library, by subject."""

"""The doctor: what is missing on this machine or in an account, before anything is changed."""

"""The command line of the lake, and the local AWS that it runs on a laptop."""

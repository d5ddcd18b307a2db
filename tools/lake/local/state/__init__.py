"""What the local AWS keeps on disk, and what of it is not quickly made again."""

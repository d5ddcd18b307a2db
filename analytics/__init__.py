"""What people look at: views over the lake, one dashboard, and the tools that show it."""

"""The dashboard in Amazon QuickSight."""

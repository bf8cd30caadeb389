"""Deploys: what a ref changes, the steps to it, and the way back."""

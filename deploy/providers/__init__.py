"""Checking Terraform by Terraform itself without its providers: their schemas, and a stand-in that tells them."""

"""Ports to brokers, and what implements them."""

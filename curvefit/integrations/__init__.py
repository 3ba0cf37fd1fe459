"""Thin adapters into trainers: each drives a Monitor and never lets an error reach the training loop."""

"""Enclave: a visiting environment for health data. People come to the data; only checked results leave."""

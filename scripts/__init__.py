"""Commands around the service: demo, tests, benchmarks. Nothing in here is imported by the service."""
